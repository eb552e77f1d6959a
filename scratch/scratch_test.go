package scratch_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/scratch"
)

// What a process that was killed left is removed by the next; what is in use, new, or not ours stays.
func TestWhatTheDeadLeft(t *testing.T) {
	parent := t.TempDir()
	long := time.Now().Add(-time.Hour)
	stay := map[string]bool{"unlocked": false, "locked": true, "young": true, "no lock": true, "other": true}
	for name := range stay {
		dir := filepath.Join(parent, "x-"+name)
		if name == "other" {
			dir = filepath.Join(parent, name)
		}
		assert.NilError(t, os.MkdirAll(filepath.Join(dir, "layout"), 0o700))
		if name == "no lock" {
			continue
		}
		lock := flock.New(filepath.Join(dir, "docker-multiarch.lock"))
		_, err := lock.TryLock()
		assert.NilError(t, err)
		if name == "locked" {
			t.Cleanup(func() { assert.Check(t, lock.Unlock()) })
		} else {
			assert.NilError(t, lock.Unlock())
		}
		if name != "young" {
			assert.NilError(t, os.Chtimes(lock.Path(), long, long))
		}
	}
	assert.NilError(t, os.Symlink(parent, filepath.Join(parent, "x-link")))

	s, err := scratch.New(parent, "x-")
	assert.NilError(t, err)
	for name, stays := range stay {
		_, here := os.Lstat(filepath.Join(parent, "x-"+name))
		_, other := os.Lstat(filepath.Join(parent, name))
		assert.Equal(t, here == nil || other == nil, stays, name)
	}
	// Another of the same process leaves it alone, however old it is.
	assert.NilError(t, os.Chtimes(filepath.Join(s.Path, "docker-multiarch.lock"), long, long))
	again, err := scratch.New(parent, "x-")
	assert.NilError(t, err)
	_, err = os.Stat(s.Path)
	assert.NilError(t, err)
	for range 2 {
		assert.NilError(t, again.Remove())
		assert.NilError(t, s.Remove())
	}
	_, err = os.Stat(s.Path)
	assert.ErrorIs(t, err, os.ErrNotExist)
}
