package layout

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/opencontainers/go-digest"
)

// temporary gives a name for a file that is not whole yet.
func (d *Dir) temporary() string {
	d.count++
	return fmt.Sprintf(".upload-%d-%d", os.Getpid(), d.count)
}

// spool writes what it reads to a file of the layout, and tells its digest.
func (d *Dir) spool(name string, content io.Reader) (digest.Digest, error) {
	file, err := d.root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return "", err
	}
	hash := digest.SHA256.Digester()
	_, err = io.Copy(io.MultiWriter(file, hash.Hash()), content)
	return hash.Digest(), errors.Join(err, file.Close())
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
func (d *Dir) store(content io.Reader, want digest.Digest) (digest.Digest, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := d.temporary()
	dgst, err := d.spool(name, content)
	if err == nil && dgst != want {
		err = fmt.Errorf("%s instead of %s", dgst, want)
	}
	if err != nil {
		return "", errors.Join(err, d.root.Remove(name))
	}
	return dgst, d.commit(name, dgst)
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
