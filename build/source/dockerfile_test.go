package source

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tonistiigi/fsutil/types"
	"gotest.tools/v3/assert"
)

func TestReadDockerfile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		tree    tree
		file    string
		exclude []string
		served  []string
	}{
		{name: "no ignore file", tree: tree{"Dockerfile": "FROM scratch"}, file: "Dockerfile", served: []string{"Dockerfile"}},
		{
			name: "the build context's", file: "Dockerfile", served: []string{"Dockerfile"},
			tree: tree{"Dockerfile": "FROM scratch", ".dockerignore": "a\nb/c\n"}, exclude: []string{"a", "b/c"},
		},
		{
			name: "its own goes first", file: "Dockerfile", served: []string{"Dockerfile", "Dockerfile.dockerignore"},
			tree: tree{"Dockerfile": "", ".dockerignore": "a", "Dockerfile.dockerignore": "b"}, exclude: []string{"b"},
		},
		{
			name: "an empty one of its own counts too", file: "Dockerfile", served: []string{"Dockerfile", "Dockerfile.dockerignore"},
			tree: tree{"Dockerfile": "", ".dockerignore": "a", "Dockerfile.dockerignore": ""},
		},
		{
			name: "another Dockerfile", file: "docker/prod.Dockerfile", served: []string{"prod.Dockerfile", "prod.Dockerfile.dockerignore"},
			tree:    tree{"docker/prod.Dockerfile": "", "Dockerfile.dockerignore": "a", "docker/.dockerignore": "c", "docker/prod.Dockerfile.dockerignore": "b"},
			exclude: []string{"b"},
		},
		{
			name: "one beside another Dockerfile is not the build context's", file: "docker/Dockerfile", served: []string{"Dockerfile"},
			tree: tree{"docker/Dockerfile": "", "docker/.dockerignore": "c"},
		},
		{
			name: "comments, blanks and slashes", file: "Dockerfile", served: []string{"Dockerfile"},
			tree:    tree{"Dockerfile": "", ".dockerignore": "# secrets\n\n  a  \n/b/\n./c\n!d\n! e\n"},
			exclude: []string{"a", "b", "c", "!d", "!e"},
		},
		{
			name: "written on Windows", file: "Dockerfile", served: []string{"Dockerfile"},
			tree: tree{"Dockerfile": "", ".dockerignore": "\ufeffa\r\n!b\r\n"}, exclude: []string{"a", "!b"},
		},
		{
			name: "a link within the build context", file: "Dockerfile", served: []string{"Dockerfile"},
			tree: tree{"Dockerfile": "", "ignore": "a", ".dockerignore": "-> ignore"}, exclude: []string{"a"},
		},
		{
			name: "the Dockerfile is a link", file: "Dockerfile", served: []string{"Dockerfile"},
			tree: tree{"real": "FROM scratch", "Dockerfile": "-> real"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := c.tree.make(t)
			d, err := ReadDockerfile(filepath.Join(dir, c.file), dir)
			assert.NilError(t, err)
			assert.Equal(t, d.Name, filepath.Base(c.file))
			want, err := os.ReadFile(filepath.Join(dir, c.file))
			assert.NilError(t, err)
			assert.Equal(t, string(d.Content), string(want))
			assert.Equal(t, strings.Join(d.Exclude, "|"), strings.Join(c.exclude, "|"))
			assert.DeepEqual(t, paths(t, d.FS(), ""), c.served)
		})
	}
}

func TestReadDockerfileFromOutsideTheBuildContext(t *testing.T) {
	t.Parallel()
	outside := tree{"Dockerfile": "FROM scratch", ".dockerignore": "a", "Dockerfile.dockerignore": "b"}.make(t)
	d, err := ReadDockerfile(filepath.Join(outside, "Dockerfile"), t.TempDir())
	assert.NilError(t, err)
	assert.DeepEqual(t, d.Exclude, []string{"b"})
}

// TestAnIgnoreFileThatCannotBeReadIsAnError: without it, what the user meant to
// keep would be sent.
func TestAnIgnoreFileThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(tree{"ignore": "a"}.make(t), "ignore")
	for _, c := range []struct {
		name string
		tree tree
		want string
	}{
		{"a link out of the build context", tree{".dockerignore": "-> " + outside}, "escapes"},
		{"a link out of it by ..", tree{".dockerignore": "-> ../../../../../../../../../../../etc/hostname"}, "escapes"},
		{"a dangling link", tree{".dockerignore": "-> nowhere"}, ""},
		{"a dangling link of its own", tree{"Dockerfile.dockerignore": "-> nowhere", ".dockerignore": "a"}, ""},
		{"a link to itself", tree{".dockerignore": "-> .dockerignore"}, "too many levels"},
		{"a directory", tree{".dockerignore/": ""}, ""}, // each system has its own words
		{"a directory of its own", tree{"Dockerfile.dockerignore/": "", ".dockerignore": "a"}, ""},
		{"too large", tree{".dockerignore": strings.Repeat("a\n", MaxText/2+1)}, "larger than"},
		{"a line too long", tree{".dockerignore": strings.Repeat("a", 1<<20)}, "token too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := tree{"Dockerfile": ""}.in(t, c.tree.make(t))
			_, err := ReadDockerfile(filepath.Join(dir, "Dockerfile"), dir)
			assert.ErrorContains(t, err, "reading ignore file")
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestADockerfileThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		tree tree
		want string
	}{
		{"missing", tree{}, ""},
		{"a dangling link", tree{"Dockerfile": "-> nowhere"}, ""},
		{"a directory", tree{"Dockerfile/": ""}, ""},
		{"too large", tree{"Dockerfile": strings.Repeat("#\n", MaxText/2+1)}, "larger than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := c.tree.make(t)
			_, err := ReadDockerfile(filepath.Join(dir, "Dockerfile"), dir)
			assert.ErrorContains(t, err, "reading Dockerfile")
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestReadDockerfileNeedsABuildContext(t *testing.T) {
	t.Parallel()
	dir := tree{"Dockerfile": ""}.make(t)
	_, err := ReadDockerfile(filepath.Join(dir, "Dockerfile"), filepath.Join(dir, "missing"))
	assert.ErrorContains(t, err, "opening build context")
}

func TestTheDockerfileIsServedAloneAndAsItWasRead(t *testing.T) {
	t.Parallel()
	dir := tree{"Dockerfile": "FROM a", "Dockerfile.dockerignore": "x", "secret": "s"}.make(t)
	d, err := ReadDockerfile(filepath.Join(dir, "Dockerfile"), dir)
	assert.NilError(t, err)
	write(t, filepath.Join(dir, "Dockerfile"), "FROM another")

	files := d.FS()
	for path, want := range map[string]string{"Dockerfile": "FROM a", "/Dockerfile": "FROM a", "Dockerfile.dockerignore": "x"} {
		f, err := files.Open(path)
		assert.NilError(t, err)
		text, err := io.ReadAll(f)
		assert.NilError(t, err)
		assert.Equal(t, string(text), want)
	}
	_, err = files.Open("secret")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.DeepEqual(t, paths(t, files, "Dockerfile"), []string{"Dockerfile"})
	assert.DeepEqual(t, paths(t, files, "secret"), []string{})

	calls := 0
	assert.NilError(t, files.Walk(t.Context(), "", func(string, fs.DirEntry, error) error { calls++; return filepath.SkipAll }))
	assert.Equal(t, calls, 1)
	assert.ErrorIs(t, files.Walk(t.Context(), "", func(string, fs.DirEntry, error) error { return io.ErrClosedPipe }), io.ErrClosedPipe)
}

// TestADockerfileOfTheSameSizeHasAnotherTime: BuildKit takes a file of the same
// size and time for one that it has already.
func TestADockerfileOfTheSameSizeHasAnotherTime(t *testing.T) {
	t.Parallel()
	stat := func(text string) *types.Stat {
		dir := tree{"Dockerfile": text}.make(t)
		d, err := ReadDockerfile(filepath.Join(dir, "Dockerfile"), dir)
		assert.NilError(t, err)
		var stat *types.Stat
		assert.NilError(t, d.FS().Walk(t.Context(), "", func(_ string, e fs.DirEntry, _ error) error {
			info, err := e.Info()
			assert.NilError(t, err)
			stat = info.Sys().(*types.Stat)
			return nil
		}))
		return stat
	}
	one, other, again := stat("FROM a"), stat("FROM b"), stat("FROM a")
	assert.Equal(t, one.Size, other.Size)
	assert.Assert(t, one.ModTime != other.ModTime)
	assert.Equal(t, one.ModTime, again.ModTime, "an unchanged Dockerfile would be sent again")
	assert.Assert(t, one.ModTime > 0)
}
