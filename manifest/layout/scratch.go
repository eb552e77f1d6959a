package layout

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

// Scratch is a directory for what is not done yet. It can hold gigabytes, and its process may be killed: so it has an owner,
// who keeps a file in it locked, and what has none any more is removed by whoever needs such a directory next.
type Scratch struct {
	Path string

	lock *flock.Flock
}

// NewScratch makes a directory in parent whose name begins with name, for this process and only as long as it lives. First it
// removes those of that name whose owner died. Where files can't be locked, directories have no owner and none is removed.
func NewScratch(parent, name string) (*Scratch, error) {
	sweep(parent, name)
	path, err := os.MkdirTemp(parent, name+"*")
	if err != nil {
		return nil, fmt.Errorf("making room for images: %w", err)
	}
	s := &Scratch{Path: path, lock: flock.New(filepath.Join(path, lockFile))}
	_, _ = s.lock.TryLock()
	return s, nil
}

// Remove removes the directory and what is in it. To remove it again does nothing.
func (s *Scratch) Remove() error { return errors.Join(s.lock.Unlock(), os.RemoveAll(s.Path)) }

// sweep removes what nobody owns. What can't be removed is someone else's affair.
func sweep(parent, name string) {
	entries, _ := os.ReadDir(parent)
	for _, entry := range entries {
		if !entry.IsDir() || !strings.HasPrefix(entry.Name(), name) {
			continue
		}
		s := &Scratch{Path: filepath.Join(parent, entry.Name())}
		info, err := os.Lstat(filepath.Join(s.Path, lockFile))
		if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < youngest {
			continue
		}
		s.lock = flock.New(filepath.Join(s.Path, lockFile), flock.SetFlag(os.O_RDWR)) // it is not made
		if ok, _ := s.lock.TryLock(); ok {
			_ = s.Remove()
		}
	}
}

// Temporary makes an empty layout that goes when it is closed, in a directory of its own in parent: see [NewScratch].
func Temporary(parent string) (*Dir, error) {
	owner, err := NewScratch(parent, "docker-multiarch-")
	if err != nil {
		return nil, err
	}
	d, err := Create(filepath.Join(owner.Path, "layout"))
	if err != nil {
		return nil, errors.Join(err, owner.Remove())
	}
	d.owner = owner
	return d, nil
}
