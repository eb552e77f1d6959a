package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	"github.com/opencontainers/go-digest"
)

// file is one file on its way to a node. Reading it to the end proves that it
// is what the snapshot has.
type file struct {
	disk     *os.File
	snapshot *Snapshot
	view     *View
	path     string
	size     int64
	read     int64
	hash     hash.Hash
	done     bool
}

// open opens a regular file of the snapshot. The root keeps a link that was
// put in the file's way meanwhile from leading out of the build context.
func (s *Snapshot) open(path string) (*file, error) {
	if _, ok := s.index[path]; !ok {
		return nil, fmt.Errorf("opening %q: %w", path, fs.ErrNotExist)
	}
	f, err := s.root.OpenFile(path, openFlags, 0)
	if err != nil {
		return nil, s.unopened(path, err)
	}
	info, err := f.Stat()
	if err == nil {
		err = s.same(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{disk: f, snapshot: s, path: path, size: info.Size(), hash: sha256.New()}, nil
}

// unopened tells a file that is not what it was from one that may not be read.
func (s *Snapshot) unopened(path string, err error) error {
	reason := errors.Unwrap(err)
	info, statErr := s.root.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || statErr != nil || s.same(path, info) != nil {
		return changed(path, fmt.Sprintf("it can't be opened any more: %v", reason))
	}
	return fmt.Errorf("opening %q of the build context: %w", path, reason)
}

// Read implements io.Reader. At the end it checks size and time against the
// snapshot, and the hash against what other nodes were sent.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.disk.Read(p)
	f.hash.Write(p[:n])
	f.read += int64(n)
	switch {
	case f.read > f.size:
		return 0, f.view.fail(changed(f.path, "it grew while being sent"))
	case errors.Is(err, io.EOF) && !f.done:
		f.done = true
		if err := f.finish(); err != nil {
			return 0, f.view.fail(err)
		}
	case err != nil && !errors.Is(err, io.EOF):
		return n, f.view.fail(fmt.Errorf("reading %q of the build context: %w", f.path, errors.Unwrap(err)))
	}
	return n, err
}

func (f *file) finish() error {
	if f.read != f.size {
		return changed(f.path, fmt.Sprintf("it shrank from %d to %d bytes while being sent", f.size, f.read))
	}
	info, err := f.disk.Stat()
	if err != nil {
		return fmt.Errorf("reading %q of the build context: %w", f.path, err)
	}
	if err := f.snapshot.same(f.path, info); err != nil {
		return err
	}
	if err := f.snapshot.sent.record(f.path, digest.NewDigest(digest.SHA256, f.hash)); err != nil {
		return err
	}
	f.view.delivered(f.path, f.read)
	return nil
}

// Close implements io.Closer.
func (f *file) Close() error { return f.disk.Close() }
