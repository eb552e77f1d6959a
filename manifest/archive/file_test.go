package archive_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/manifest/archive"
)

func TestFiles(t *testing.T) {
	d, dir, _ := filled(t)
	path := filepath.Join(t.TempDir(), "new", "app.tar")
	for range 2 { // what is there is replaced
		assert.NilError(t, archive.WriteFile(t.Context(), path, d, false))
		raw, err := os.ReadFile(path)
		assert.NilError(t, err)
		assert.DeepEqual(t, raw, write(t, d, false))
		info, err := os.Stat(path)
		assert.NilError(t, err)
		assert.Equal(t, info.Mode(), os.FileMode(0o644))
	}
	again, other := newLayout(t)
	assert.NilError(t, archive.ReadFile(t.Context(), path, again))
	assert.DeepEqual(t, files(t, other), files(t, dir))

	assert.NilError(t, os.Truncate(path, 3000))
	err := archive.ReadFile(t.Context(), path, again)
	assert.ErrorIs(t, err, archive.ErrInvalid)
	assert.ErrorContains(t, err, path)

	for _, start := range []string{"\x1f\x8b\x08\x00", "\x28\xb5\x2f\xfd"} {
		assert.NilError(t, os.WriteFile(path, []byte(start+strings.Repeat("x", 2000)), 0o600))
		err = archive.ReadFile(t.Context(), path, again)
		assert.ErrorIs(t, err, archive.ErrInvalid)
		assert.ErrorContains(t, err, "compressed")
	}
}

// A file that can't be written whole stays what it was, with nothing beside it.
func TestAFileThatCanNotBeWritten(t *testing.T) {
	d, dir, desc := filled(t)
	out := t.TempDir()
	path := filepath.Join(out, "app.tar")
	assert.NilError(t, os.WriteFile(path, []byte("old"), 0o600))
	assert.NilError(t, os.Remove(filepath.Join(dir, "blobs", "sha256", desc.Digest.Encoded())))
	assert.Assert(t, archive.WriteFile(t.Context(), path, d, false) != nil)
	raw, err := os.ReadFile(path)
	assert.NilError(t, err)
	assert.Equal(t, string(raw), "old")
	assert.DeepEqual(t, files(t, out), []string{"app.tar"})

	assert.NilError(t, os.Symlink(path, filepath.Join(out, "link")))
	assert.ErrorContains(t, archive.WriteFile(t.Context(), filepath.Join(out, "link"), d, false), "not a regular file")
}
