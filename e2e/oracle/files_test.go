package oracle

import (
	"archive/tar"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// filesOf pushes an image of the given layers and reads its files.
func filesOf(t *testing.T, layers ...[]byte) (map[string]File, error) {
	t.Helper()
	f, registry := newFake(t)
	push{platforms: []string{"linux/amd64"}, layers: layers}.to(t, f)
	image, err := registry.Check(t.Context(), repo, "1", Want{})
	assert.NilError(t, err)
	return registry.Files(t.Context(), repo, image.Children[0])
}

func TestFilesDescribesEachKind(t *testing.T) {
	t.Parallel()
	files, err := filesOf(t, tarOfEntries(t,
		tar.Header{Name: "./bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		tar.Header{Name: "./bin/su", Typeflag: tar.TypeReg, Mode: 0o4755, Linkname: "content", Uid: 3, Gid: 4},
		tar.Header{Name: "bin/sh", Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: "su"},
		tar.Header{Name: "/bin/hard", Typeflag: tar.TypeLink, Mode: 0o4755, Linkname: "bin/su"},
		tar.Header{Name: "null", Typeflag: tar.TypeChar, Mode: 0o666},
	))
	assert.NilError(t, err)
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte("content")))
	assert.Check(t, is.DeepEqual(files, map[string]File{
		"bin":      {Type: "dir", Mode: 0o755},
		"bin/su":   {Type: "file", Mode: fs.ModeSetuid | 0o755, Size: 7, SHA256: sum, UID: 3, GID: 4},
		"bin/sh":   {Type: "symlink", Mode: 0o777, Linkname: "su"},
		"bin/hard": {Type: "hardlink", Mode: fs.ModeSetuid | 0o755, Size: 7, SHA256: sum, Linkname: "bin/su"},
		"null":     {Type: "char", Mode: 0o666},
	}))
}

func TestFilesAppliesLayersInOrder(t *testing.T) {
	t.Parallel()
	lower := []string{"a/one", "1", "a/two", "2", "ab", "3", "b", "4"}
	for _, tc := range []struct {
		name  string
		upper []string
		want  []string
	}{
		{"a later layer adds", []string{"c", ""}, []string{"a/one", "a/two", "ab", "b", "c"}},
		{"a whiteout removes a file", []string{"a/.wh.one", ""}, []string{"a/two", "ab", "b"}},
		{"a whiteout removes a directory", []string{".wh.a", ""}, []string{"ab", "b"}},
		{"a whiteout hides nothing of its own layer", []string{"a/three", "", ".wh.a", ""}, []string{"a/three", "ab", "b"}},
		{"an opaque directory hides all of the lower layers", []string{"a/new", "", "a/.wh..wh..opq", ""}, []string{"a/new", "ab", "b"}},
		{"an opaque root", []string{".wh..wh..opq", ""}, nil},
		{"a file in place of a directory", []string{"a", ""}, []string{"a", "ab", "b"}},
		{"AUFS's own names", []string{".wh..wh.plnk", ""}, []string{"a/one", "a/two", "ab", "b"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files, err := filesOf(t, tarOf(t, lower...), tarOf(t, tc.upper...))
			assert.NilError(t, err)
			assert.Check(t, is.DeepEqual(slices.Sorted(maps.Keys(files)), tc.want))
		})
	}
}

func TestFilesTakesTheLastContent(t *testing.T) {
	t.Parallel()
	files, err := filesOf(t, tarOf(t, "a", "old"), tarOf(t, "a", "newer"))
	assert.NilError(t, err)
	assert.Check(t, is.Equal(files["a"].Size, int64(5)))
}

func TestFilesRefuses(t *testing.T) {
	t.Parallel()
	for name, layer := range map[string][]byte{
		"leads out of the image": tarOf(t, "a/../../b", ""),
		"which is not there":     tarOfEntries(t, tar.Header{Name: "a", Typeflag: tar.TypeLink, Linkname: "b"}),
		"reading tar":            []byte("this is no tar, but long enough for a block of one" + fmt.Sprintf("%0600d", 0)),
	} {
		_, err := filesOf(t, layer)
		assert.Check(t, is.ErrorContains(err, name))
		assert.Check(t, is.ErrorIs(err, ErrUnpack))
	}
	_, err := (&Registry{}).Files(t.Context(), repo, Child{Attestation: true})
	assert.Check(t, is.ErrorContains(err, "attestation"))
}

func TestFilesChecksWhatItReads(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	push{platforms: []string{"linux/amd64"}}.to(t, f)
	image, err := registry.Check(t.Context(), repo, "1", Want{})
	assert.NilError(t, err)
	image.Children[0].Layers[0].DiffID = digestOf(nil)
	_, err = registry.Files(t.Context(), repo, image.Children[0])
	assert.Check(t, is.ErrorIs(err, ErrDiffID))
	delete(f.blobs, image.Children[0].Layers[0].Digest)
	_, err = registry.Files(t.Context(), repo, image.Children[0])
	assert.Check(t, is.ErrorIs(err, ErrMissing))
}
