package oracle

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
)

const (
	maxManifest  = 8 << 20
	maxErrorBody = 64 << 10
	maxBlob      = 1 << 30
	maxUnpacked  = 8 << 30
)

// readAll reads a document that is kept in memory.
func readAll(body io.Reader, where string) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxManifest+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxManifest {
		return nil, violation(where, ErrBound, "there are more than %d bytes", maxManifest)
	}
	return raw, nil
}

// blob counts and hashes what is read through it, and never gives more than its limit.
type blob struct {
	where  string
	ref    string
	limit  int64
	body   io.ReadCloser
	header http.Header
	src    io.Reader
	sum    hash.Hash
	size   int64
}

// open starts to read a blob. The caller closes it.
func (r *Registry) open(ctx context.Context, repo, digest, where string) (*blob, error) {
	if !digestForm.MatchString(digest) {
		return nil, violation(where, ErrDigest, "%q is not a sha256 digest", digest)
	}
	resp, err := r.get(ctx, r.url(repo, "blobs", digest), nil)
	if isNotFound(err) {
		return nil, violation(where, ErrMissing, "blob %s: %v", digest, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading blob %s: %w", digest, err)
	}
	return newBlob(where, digest, resp.Body, resp.Header, maxBlob), nil
}

func newBlob(where, digest string, body io.ReadCloser, header http.Header, limit int64) *blob {
	return &blob{
		where: where, ref: digest, limit: limit, body: body, header: header,
		src: io.LimitReader(body, limit+1), sum: sha256.New(),
	}
}

// Read reads on, and remembers what passed.
func (b *blob) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	b.sum.Write(p[:n])
	b.size += int64(n)
	return n, err
}

// Close gives the connection back.
func (b *blob) Close() error { return b.body.Close() }

// finish reads what nobody wanted, so that the digest is over the whole blob, and returns the number of bytes: the true one
// if only the digest is wrong, -1 if there is none.
func (b *blob) finish() (int64, error) {
	if _, err := io.Copy(io.Discard, b); err != nil {
		return -1, fmt.Errorf("reading blob %s: %w", b.ref, err)
	}
	if b.size > b.limit {
		return -1, violation(b.where, ErrBound, "there are more than %d bytes", b.limit)
	}
	return b.size, matchDigest(b.where, digestText(b.sum.Sum(nil)), b.ref, b.header)
}

// smallBlob reads a blob that is kept in memory, such as a config. With a violation of the digest, it returns what was read too.
func (r *Registry) smallBlob(ctx context.Context, repo, digest, where string) ([]byte, error) {
	b, err := r.open(ctx, repo, digest, where)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	raw, err := readAll(b, where)
	if err != nil {
		return nil, err
	}
	_, err = b.finish()
	var broken *ViolationError
	if err != nil && !errors.As(err, &broken) {
		return nil, err
	}
	return raw, err
}
