package dockerfile

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/docker-multiarch/docker-multiarch/build/source"
)

// contextFS is the build context as nodes see it: the directory without what the
// ignore file rules out.
type contextFS struct {
	fs.FS
	// sent are the files, and the directories that lead to them.
	sent map[string]bool
}

var _ fs.ReadDirFS = contextFS{}

// NewFS returns the files of a build context that nodes would be sent.
func NewFS(root *os.Root, snapshot *source.Snapshot) fs.ReadDirFS {
	c := contextFS{root.FS(), map[string]bool{".": true}}
	for name := range snapshot.Files() {
		for name = filepath.ToSlash(name); !c.sent[name]; name = path.Dir(name) {
			c.sent[name] = true
		}
	}
	return c
}

// Open implements fs.FS.
func (c contextFS) Open(name string) (fs.File, error) {
	if !c.sent[name] {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return c.FS.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (c contextFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(c.FS, name)
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !c.sent[path.Join(name, e.Name())] }), err
}
