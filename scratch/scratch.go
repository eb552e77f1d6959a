package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

const (
	// lockFile is a name that no directory has by chance.
	lockFile = "docker-multiarch.lock"
	// youngest is how long a directory is left alone that its owner may be about to lock.
	youngest = time.Second
)

// Dir is a directory for what is not done yet. It can hold gigabytes, and its process may be killed: so it has an owner,
// who keeps a file in it locked, and what has none any more is removed by whoever needs such a directory next.
type Dir struct {
	Path string

	lock *flock.Flock
}

// New makes a directory in parent whose name begins with name, for this process and only as long as it lives. First it
// removes those of that name whose owner died. Where files can't be locked, directories have no owner and none is removed.
func New(parent, name string) (*Dir, error) {
	sweep(parent, name)
	path, err := os.MkdirTemp(parent, name+"*")
	if err != nil {
		return nil, fmt.Errorf("making a temporary directory: %w", err)
	}
	d := &Dir{Path: path, lock: flock.New(filepath.Join(path, lockFile))}
	_, _ = d.lock.TryLock()
	return d, nil
}

// Remove removes the directory and what is in it. To remove it again does nothing.
func (d *Dir) Remove() error { return errors.Join(d.lock.Unlock(), os.RemoveAll(d.Path)) }

// sweep removes what nobody owns. What can't be removed is someone else's affair.
func sweep(parent, name string) {
	entries, _ := os.ReadDir(parent)
	for _, entry := range entries {
		if !entry.IsDir() || !strings.HasPrefix(entry.Name(), name) {
			continue
		}
		d := &Dir{Path: filepath.Join(parent, entry.Name())}
		info, err := os.Lstat(filepath.Join(d.Path, lockFile))
		if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < youngest {
			continue
		}
		d.lock = flock.New(filepath.Join(d.Path, lockFile), flock.SetFlag(os.O_RDWR)) // it is not made
		if ok, _ := d.lock.TryLock(); ok {
			_ = d.Remove()
		}
	}
}
