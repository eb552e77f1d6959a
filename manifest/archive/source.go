package archive

import (
	"archive/tar"
	"context"
	"errors"
	"io"
)

// source is the stream that an archive is read from, as far as its bounds.
type source struct {
	read func([]byte) (int, error)
	n    int64
	err  error // why it ended
}

func newSource(ctx context.Context, r io.Reader) *source {
	return &source{read: func(p []byte) (int, error) {
		if err := context.Cause(ctx); err != nil {
			return 0, err
		}
		return r.Read(p)
	}}
}

// Read implements io.Reader.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.read(p)
	if s.n += int64(n); s.n > maxBytes {
		err = invalid("more than %d bytes", int64(maxBytes))
	}
	s.err = err
	return n, err
}

// explain tells an archive that is wrong from one that could not be read to its end.
func (s *source) explain(err error) error {
	switch {
	case s.err != nil && !errors.Is(s.err, io.EOF):
		return s.err
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong):
		return invalid("%w", err)
	}
	return err
}

// end reads what follows the archive: an engine may fail after its last entry.
func (s *source) end() error {
	n, err := io.CopyN(io.Discard, s, maxTrailer)
	if n == maxTrailer {
		return invalid("%d bytes and more follow its end", n)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
