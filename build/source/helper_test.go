package source

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tonistiigi/fsutil"
	"gotest.tools/v3/assert"
)

// tree is a directory to be made: a name that ends in "/" is a directory, a text
// that begins with "-> " a link, anything else a file with that text.
type tree map[string]string

func (tr tree) in(t *testing.T, dir string) string {
	t.Helper()
	for name, text := range tr {
		path := filepath.Join(dir, name)
		assert.NilError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		target, isLink := strings.CutPrefix(text, "-> ")
		switch {
		case strings.HasSuffix(name, "/"):
			assert.NilError(t, os.MkdirAll(path, 0o755))
		case isLink:
			assert.NilError(t, os.Symlink(target, path))
		default:
			assert.NilError(t, os.WriteFile(path, []byte(text), 0o644))
		}
	}
	return dir
}

// make makes the tree in a directory of its own.
func (tr tree) make(t *testing.T) string {
	t.Helper()
	return tr.in(t, t.TempDir())
}

// read makes a snapshot of dir that is closed when the test ends.
func read(t *testing.T, dir string, exclude ...string) *Snapshot {
	t.Helper()
	s, err := Read(t.Context(), dir, exclude)
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, s.Close()) })
	return s
}

// unheard is for a view whose failure ends nothing: the test asks for its Err.
func unheard(error) {}

// paths returns what a walk of files below target finds, in order.
func paths(t *testing.T, files fsutil.FS, target string) []string {
	t.Helper()
	all := []string{}
	assert.NilError(t, files.Walk(t.Context(), target, func(path string, _ fs.DirEntry, err error) error {
		all = append(all, filepath.ToSlash(path))
		return err
	}))
	return all
}

// send reads a file of a view to its end.
func send(t *testing.T, v *View, path string) (string, error) {
	t.Helper()
	f, err := v.Open(path)
	assert.NilError(t, err, "Open must never fail: the sender would send an empty file")
	defer f.Close()
	text, err := io.ReadAll(f)
	return string(text), err
}

// chtime gives a file a modification time that differs from the present one.
func chtime(t *testing.T, path string, by time.Duration) {
	t.Helper()
	info, err := os.Stat(path)
	assert.NilError(t, err)
	at := info.ModTime().Add(by)
	assert.NilError(t, os.Chtimes(path, at, at))
}

// keepTime runs change and gives the file at path back its old time.
func keepTime(t *testing.T, path string, change func()) {
	t.Helper()
	info, err := os.Stat(path)
	assert.NilError(t, err)
	change()
	assert.NilError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	assert.NilError(t, os.WriteFile(path, []byte(text), 0o644))
}

// walked is the reference for the order of a walk: what filepath.WalkDir finds.
func walked(t *testing.T, dir string) []string {
	t.Helper()
	all := []string{}
	assert.NilError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			relative, relErr := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(relative))
			err = errors.Join(err, relErr)
		}
		return err
	}))
	return all
}

// stubFS is a file system whose walk a test writes itself.
type stubFS struct {
	fsutil.FS
	walk func(fs.WalkDirFunc) error
}

func (s stubFS) Walk(_ context.Context, _ string, fn fs.WalkDirFunc) error { return s.walk(fn) }

// without returns all but one.
func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}
