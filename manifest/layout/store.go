package layout

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/scratch"
)

// temporary gives a name for a file that is not whole yet.
func (d *Dir) temporary() (string, error) {
	if d.scratch == nil {
		var err error
		if d.scratch, err = scratch.New(d.root.Name(), ".upload-"); err != nil {
			return "", err
		}
	}
	d.count++
	return path.Join(filepath.Base(d.scratch.Path), strconv.Itoa(d.count)), nil
}

// spool writes what it reads to a file of the layout, and tells its digest and size.
func (d *Dir) spool(name string, content io.Reader) (digest.Digest, int64, error) {
	file, err := d.root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return "", 0, err
	}
	hash := digest.SHA256.Digester()
	size, err := io.Copy(io.MultiWriter(file, hash.Hash()), content)
	return hash.Digest(), size, errors.Join(err, file.Close())
}

// commit gives a spooled file the name of its content.
func (d *Dir) commit(name string, dgst digest.Digest) error {
	to, _, err := blobPath(dgst.String())
	if err != nil {
		return err
	}
	if err := d.root.MkdirAll(path.Dir(to), 0o755); err != nil {
		return err
	}
	return d.root.Rename(name, to)
}

// store keeps a manifest as a blob.
func (d *Dir) store(content io.Reader, want digest.Digest) error {
	s, err := d.Spool(content)
	if err != nil {
		return err
	}
	if s.Digest != want {
		return errors.Join(fmt.Errorf("%s instead of %s", s.Digest, want), s.Drop())
	}
	return s.Keep()
}

// drop gives up an upload.
func (d *Dir) drop(id string) error {
	name := d.uploads[id].name
	delete(d.uploads, id)
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
