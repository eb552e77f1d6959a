package source

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/tonistiigi/fsutil"
	"gotest.tools/v3/assert"
)

// nobody is a user who owns nothing.
const nobody = 65534

// unprivileged runs f as a user whom file modes bind: root may read everything,
// so there f runs with another file system identity. That belongs to a thread,
// which is locked, and to nothing else of the process.
func unprivileged(t *testing.T, dir string, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	// The way to the test's directory is closed to others.
	assert.NilError(t, os.Chmod(filepath.Dir(dir), 0o755))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	assert.NilError(t, syscall.Setfsuid(nobody))
	defer func() { assert.Check(t, syscall.Setfsuid(0)) }()
	f()
}

// locked makes a tree in which everything named in closed may be neither read nor
// entered.
func locked(t *testing.T, tr tree, closed ...string) string {
	t.Helper()
	dir := tr.make(t)
	for _, path := range closed {
		full := filepath.Join(dir, path)
		info, err := os.Stat(full)
		assert.NilError(t, err)
		assert.NilError(t, os.Chmod(full, 0))
		t.Cleanup(func() { _ = os.Chmod(full, info.Mode()) })
	}
	return dir
}

func TestUnprivilegedIsBoundByModes(t *testing.T) {
	t.Parallel()
	dir := locked(t, tree{"file": "x"}, "file")
	unprivileged(t, dir, func() {
		_, err := os.ReadFile(filepath.Join(dir, "file"))
		assert.ErrorIs(t, err, fs.ErrPermission)
	})
}

func TestAnUnreadableFileIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	dir := locked(t, tree{"a": "1", "d/b": "2", "z": "3"}, "d/b")
	unprivileged(t, dir, func() {
		s := read(t, dir)
		v := s.View(unheard)
		assert.DeepEqual(t, paths(t, v, ""), []string{"a", "d", "d/b", "z"})
		text, err := send(t, v, "d/b")
		assert.Equal(t, text, "")
		assert.ErrorIs(t, err, fs.ErrPermission)
		assert.ErrorContains(t, err, `"d/b"`)
		assert.ErrorIs(t, v.Err(), fs.ErrPermission)
	})
}

func TestAnUnreadableFileThatNobodyAsksForDoesNoHarm(t *testing.T) {
	t.Parallel()
	dir := locked(t, tree{"a": "1", "b": "2"}, "b")
	unprivileged(t, dir, func() {
		s := read(t, dir)
		v := s.View(unheard)
		_, err := send(t, v, "a")
		assert.NilError(t, err)
		assert.NilError(t, v.Err())
		assert.NilError(t, s.Verify())
	})
}

func TestAnUnreadableDirectoryIsAnErrorWhenItIsAskedFor(t *testing.T) {
	t.Parallel()
	dir := locked(t, tree{"a": "1", "private/key": "2", "z": "3"}, "private")
	unprivileged(t, dir, func() {
		v := read(t, dir).View(unheard)
		err := v.Walk(t.Context(), "", func(_ string, _ fs.DirEntry, err error) error { return err })
		assert.ErrorIs(t, err, fs.ErrPermission)
		assert.ErrorContains(t, err, `"private"`)
		assert.ErrorIs(t, v.Err(), fs.ErrPermission)
	})
}

func TestAnUnreadableDirectoryThatIsRuledOutDoesNoHarm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name              string
		ignored, included []string
		want              []string
	}{
		{"by the ignore file", []string{"private"}, nil, []string{"a.txt", "z"}},
		{"by what is below in the ignore file", []string{"private", "!z"}, nil, []string{"a.txt", "z"}},
		{"by what the engine asks for", nil, []string{"z"}, []string{"z"}},
		{"by a pattern that the engine asks for", nil, []string{"*.txt"}, []string{"a.txt"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := locked(t, tree{"a.txt": "1", "private/key": "2", "z": "3"}, "private")
			unprivileged(t, dir, func() {
				v := read(t, dir, c.ignored...).View(unheard)
				files, err := fsutil.NewFilterFS(v, &fsutil.FilterOpt{IncludePatterns: c.included})
				assert.NilError(t, err)
				assert.DeepEqual(t, paths(t, files, ""), c.want)
				assert.NilError(t, v.Err())
			})
		})
	}
}

// TestAnUnreadableDirectoryWithAnExceptionBelowIsAnError: the ignore file asks
// for a file of it, and nobody can tell whether it is there.
func TestAnUnreadableDirectoryWithAnExceptionBelowIsAnError(t *testing.T) {
	t.Parallel()
	dir := locked(t, tree{"a": "1", "private/public": "2"}, "private")
	unprivileged(t, dir, func() {
		s, err := Read(t.Context(), dir, []string{"private", "!private/public"})
		if err == nil {
			defer s.Close()
			err = s.View(unheard).Walk(t.Context(), "", func(_ string, _ fs.DirEntry, err error) error { return err })
		}
		assert.ErrorIs(t, err, fs.ErrPermission)
		assert.ErrorContains(t, err, `"private"`)
	})
}

func TestAnUnreadableIgnoreFileIsAnError(t *testing.T) {
	t.Parallel()
	for _, name := range []string{".dockerignore", "Dockerfile.dockerignore"} {
		dir := locked(t, tree{"Dockerfile": "", ".dockerignore": "a", name: "b"}, name)
		unprivileged(t, dir, func() {
			_, err := ReadDockerfile(filepath.Join(dir, "Dockerfile"), dir)
			assert.ErrorIs(t, err, fs.ErrPermission, name)
			assert.ErrorContains(t, err, "reading ignore file")
		})
	}
}
