package classic

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build/source"
)

// contextOf is the build context of files, by path, with a Dockerfile that may
// be elsewhere.
func contextOf(t *testing.T, files map[string]string, dockerfile string) (Context, *source.View, string) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		assert.NilError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		assert.NilError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	read, err := source.ReadDockerfile(filepath.Join(dir, dockerfile), dir)
	assert.NilError(t, err)
	snapshot, err := source.Read(t.Context(), dir, nil)
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, snapshot.Close()) })
	view := snapshot.View(func(error) {})
	c, err := NewContext(t.Context(), view, read)
	assert.NilError(t, err)
	return c, view, dir
}

// unpack is what is in an archive, by path.
func unpack(t *testing.T, archive io.Reader) map[string]string {
	t.Helper()
	files := map[string]string{}
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		assert.NilError(t, err)
		content, err := io.ReadAll(r)
		assert.NilError(t, err)
		_, twice := files[h.Name]
		assert.Assert(t, !twice, h.Name)
		files[h.Name] = string(content)
	}
}

func TestTheArchiveHasWhatTheIgnoreFileLeavesAndTheDockerfile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, dockerfile string
		files            map[string]string
		at               string
		want             map[string]string
	}{
		{
			name: "a Dockerfile among the files", dockerfile: "Dockerfile",
			files: map[string]string{"Dockerfile": "FROM x", ".dockerignore": "no\n", "a": "1", "no": "2"},
			at:    "Dockerfile", want: map[string]string{"Dockerfile": "FROM x", ".dockerignore": "no\n", "a": "1"},
		},
		{
			name: "an ignored one, which the engine takes out by the same rules", dockerfile: "Dockerfile",
			files: map[string]string{"Dockerfile": "FROM x", ".dockerignore": "Docker*\n", "a": "1"},
			at:    "Dockerfile", want: map[string]string{"Dockerfile": "FROM x", ".dockerignore": "Docker*\n", "a": "1"},
		},
		{
			name: "one in a directory", dockerfile: "d/Dockerfile",
			files: map[string]string{"d/Dockerfile": "FROM x", "a": "1"},
			at:    "d/Dockerfile", want: map[string]string{"d/": "", "d/Dockerfile": "FROM x", "a": "1"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, _, _ := contextOf(t, test.files, test.dockerfile)
			var archive bytes.Buffer
			assert.NilError(t, c.WriteTo(t.Context(), &archive))
			assert.Equal(t, c.Dockerfile, test.at)
			assert.DeepEqual(t, unpack(t, &archive), test.want)
		})
	}
}

// TestADockerfileFromElsewhereIsNamedForRemoval: the engine takes out of the
// build context what the .dockerignore names.
func TestADockerfileFromElsewhereIsNamedForRemoval(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "Dockerfile")
	assert.NilError(t, os.WriteFile(outside, []byte("FROM y"), 0o600))
	dir := t.TempDir()
	assert.NilError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("1"), 0o600))
	read, err := source.ReadDockerfile(outside, dir)
	assert.NilError(t, err)
	snapshot, err := source.Read(t.Context(), dir, nil)
	assert.NilError(t, err)
	defer snapshot.Close()
	c, err := NewContext(t.Context(), snapshot.View(func(error) {}), read)
	assert.NilError(t, err)
	c.Compress = true

	var archive bytes.Buffer
	assert.NilError(t, c.WriteTo(t.Context(), &archive))
	zip, err := gzip.NewReader(&archive)
	assert.NilError(t, err)
	assert.DeepEqual(t, unpack(t, zip), map[string]string{
		"a": "1", c.Dockerfile: "FROM y", ".dockerignore": ".dockerignore\n" + c.Dockerfile + "\n",
	})
}

func TestAFileThatChangedLeavesTheArchiveWithoutAnEnd(t *testing.T) {
	t.Parallel()
	c, view, dir := contextOf(t, map[string]string{"Dockerfile": "FROM x", "a": "1"}, "Dockerfile")
	assert.NilError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("changed"), 0o600))
	var archive bytes.Buffer
	err := c.WriteTo(t.Context(), &archive)
	assert.ErrorIs(t, err, source.ErrChanged)
	assert.ErrorIs(t, view.Err(), source.ErrChanged)
	assert.Assert(t, !bytes.HasSuffix(archive.Bytes(), make([]byte, 1024)), "an archive ends with two empty blocks")
}
