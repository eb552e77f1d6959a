package oracle

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
)

// measured is what one blob turned out to be.
type measured struct {
	size      int64  // -1 if it could not be read to the end.
	diffID    string // Empty if the blob could not be unpacked.
	unpackErr error
	err       error // The registry does not hold exactly what was asked for.
}

// measure reads a layer to its last byte, while unpacking it if it is a tar, and lets use see the tar.
func (r *Registry) measure(ctx context.Context, repo string, l Layer, where string, use func(io.Reader) error) measured {
	b, err := r.open(ctx, repo, l.Digest, where)
	if err != nil {
		return measured{size: -1, err: err}
	}
	defer b.Close()
	var m measured
	if isTar(l.MediaType) {
		m.diffID, m.unpackErr = unpack(b, l.MediaType, use)
	}
	m.size, m.err = b.finish()
	return m
}

// unpack lets use read a layer's tar, and returns the digest of all of it.
func unpack(packed io.Reader, mediaType string, use func(io.Reader) error) (string, error) {
	plain, err := decompress(packed, mediaType)
	if err != nil {
		return "", err
	}
	limited := &io.LimitedReader{R: plain, N: maxUnpacked + 1}
	sum := sha256.New()
	tar := io.TeeReader(limited, sum)
	if use != nil {
		if err := use(tar); err != nil {
			return "", err
		}
	}
	// A tar may be padded after its end, and the padding counts.
	if _, err := io.Copy(io.Discard, tar); err != nil {
		return "", fmt.Errorf("reading %s: %w", mediaType, err)
	}
	if limited.N == 0 {
		return "", fmt.Errorf("reading %s: there are more than %d bytes", mediaType, int64(maxUnpacked))
	}
	return digestText(sum.Sum(nil)), nil
}

// decompress goes by the media type alone, as clients do: a gzip that calls itself a tar is broken.
func decompress(packed io.Reader, mediaType string) (io.Reader, error) {
	switch {
	case strings.HasSuffix(mediaType, "gzip"):
		plain, err := gzip.NewReader(packed)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", mediaType, err)
		}
		return plain, nil
	case strings.HasSuffix(mediaType, "tar"):
		return packed, nil
	}
	return nil, fmt.Errorf("reading %s: the oracle does not know this compression", mediaType)
}

// compare tells whether a layer is what its descriptor and config say.
func (l Layer) compare(where string, m measured) error {
	var found []error
	if m.size >= 0 && m.size != l.Size {
		found = append(found, violation(where, ErrSize, "its descriptor says %d bytes, there are %d", l.Size, m.size))
	}
	switch {
	case m.unpackErr != nil:
		found = append(found, violation(where, ErrUnpack, "%v", m.unpackErr))
	case l.DiffID != "" && m.diffID != "" && m.diffID != l.DiffID:
		found = append(found, violation(where, ErrDiffID, "it unpacks to %s, its config says %s", m.diffID, l.DiffID))
	}
	return errors.Join(found...)
}
