package layout

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/opencontainers/go-digest"
)

// Spooled is content in the directory of a layout that is not part of it yet. Whoever made it keeps it or drops it.
type Spooled struct {
	Digest digest.Digest
	Size   int64

	dir  *Dir
	name string
	kept bool
}

// Spool writes content beside the blobs, as it comes.
func (d *Dir) Spool(content io.Reader) (*Spooled, error) {
	d.mu.Lock()
	name, err := d.temporary()
	d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	s := &Spooled{dir: d, name: name}
	if s.Digest, s.Size, err = d.spool(s.name, content); err != nil {
		return nil, errors.Join(err, s.Drop())
	}
	return s, nil
}

// Open opens the content, kept or not.
func (s *Spooled) Open() (*os.File, error) {
	if s.kept {
		return s.dir.Blob(s.Digest)
	}
	return s.dir.open(s.name)
}

// Keep makes the content a blob of the layout. To keep it again does nothing.
func (s *Spooled) Keep() error {
	if s.kept {
		return nil
	}
	err := s.dir.commit(s.name, s.Digest)
	s.kept = err == nil
	return err
}

// Drop deletes the content, unless it was kept. To drop it again does nothing.
func (s *Spooled) Drop() error {
	if s.kept {
		return nil
	}
	if err := s.dir.root.Remove(s.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
