//go:build unix

package config

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"
)

func TestReadSpecialFile(t *testing.T) {
	t.Parallel()
	_, err := Read(t.TempDir())
	assert.ErrorContains(t, err, "not a regular file")
	pipe := filepath.Join(t.TempDir(), FileName)
	assert.NilError(t, syscall.Mkfifo(pipe, 0o600))
	_, err = Read(pipe)
	assert.ErrorContains(t, err, "not a regular file")
}

// A file that others could have written gives no commands.
func TestOwn(t *testing.T) {
	t.Parallel()
	const text = "node:\n  arm: {platforms: [linux/arm64], start: [a], stop: [b]}\n"
	nobody := 65534
	for name, tt := range map[string]struct {
		change func(t *testing.T, path string) string
		want   string
	}{
		"file of others":  {func(t *testing.T, path string) string { chown(t, path, nobody); return path }, "belongs to another user"},
		"writable file":   {func(t *testing.T, path string) string { chmod(t, path, 0o620); return path }, "can be written by others (mode 0620)"},
		"folder":          {func(t *testing.T, path string) string { chown(t, filepath.Dir(path), nobody); return path }, "belongs to another user"},
		"writable folder": {func(t *testing.T, path string) string { chmod(t, filepath.Dir(path), 0o777); return path }, "can be written by others (mode 0777)"},
		"link": {func(t *testing.T, path string) string {
			link := filepath.Join(t.TempDir(), FileName)
			assert.NilError(t, os.Symlink(path, link))
			return link
		}, "is a link"},
		"linked folder": {func(t *testing.T, path string) string {
			link := filepath.Join(t.TempDir(), "docker")
			assert.NilError(t, os.Symlink(filepath.Dir(path), link))
			chmod(t, filepath.Dir(path), 0o770)
			return filepath.Join(link, FileName)
		}, "can be written by others (mode 0770)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Read(tt.change(t, write(t, text)))
			assert.NilError(t, err)
			assert.ErrorIs(t, c.Own(), ErrNotOwned)
			assert.ErrorContains(t, c.Own(), tt.want)
			assert.ErrorContains(t, c.Own(), FileName+":2: ")
		})
	}
	path := write(t, "node:\n  arm: {platforms: [linux/arm64]}\n")
	chmod(t, path, 0o666)
	c, err := Read(path)
	assert.NilError(t, err)
	assert.NilError(t, c.Own(), "it has no commands")
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	assert.NilError(t, os.Chmod(path, mode))
}

// chown gives a file away, which takes root.
func chown(t *testing.T, path string, uid int) {
	t.Helper()
	assert.NilError(t, os.Chown(path, uid, -1))
}
