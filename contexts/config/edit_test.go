package config

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// mine is a file as a user writes it, with a layout that no encoder makes.
const mine = `# my machines

nodes:   all      # for now

# The order counts.
node:

    # in the cellar
    graviton:     # arm
        platforms: [ linux/arm64,
                     linux/arm/v7 ]   # it has both
        parallel:   2

    pi: { parallel: 1 }   # slow

    # new
    mac:
# end of nodes

probe-timeout: 8s
`

func exclude(names ...string) func(string) error {
	return func(path string) error { return Exclude(path, names...) }
}

func include(names ...string) func(string) error {
	return func(path string) error { return Include(path, names...) }
}

func use(names ...string) func(string) error {
	return func(path string) error { return Use(path, names...) }
}

func TestEdit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text, want string
		edit             func(path string) error
	}{
		{"exclude, no file", "", "node:\n  pi: {exclude: true}\n", exclude("pi")},
		{"exclude, no node", "nodes: all # x\n", "nodes: all # x\nnode:\n  pi: {exclude: true}\n", exclude("pi")},
		{"exclude, no newline at the end", "nodes: all", "nodes: all\nnode:\n  pi: {exclude: true}\n", exclude("pi")},
		{"exclude, only comments", "# a\n\n# b\n", "# a\n\n# b\nnode:\n  pi: {exclude: true}\n", exclude("pi")},
		{"exclude, empty node", "node: # x\nnodes: all\n", "node: # x\n  pi: {exclude: true}\nnodes: all\n", exclude("pi")},
		{"exclude, empty document", "{}\n", "node:\n  pi: {exclude: true}\n", exclude("pi")},
		{"exclude, two", "node:\n  a:\n", "node:\n  a:\n  c: {exclude: true}\n  b: {exclude: true}\n", exclude("c", "b", "c")},
		{"exclude, block", mine, strings.Replace(mine, "# arm\n", "# arm\n        exclude: true\n", 1), exclude("graviton")},
		{"exclude, flow", mine, strings.Replace(mine, "{ parallel", "{exclude: true,  parallel", 1), exclude("pi")},
		{"exclude, name alone", mine, strings.Replace(mine, "    mac:\n", "    mac:\n        exclude: true\n", 1), exclude("mac")},
		{"exclude, new", mine, strings.Replace(mine, "    mac:\n", "    mac:\n    nas: {exclude: true}\n", 1), exclude("nas")},
		{"exclude, null", "node:\n  a: ~ # x\n", "node:\n  a: {exclude: true} # x\n", exclude("a")},
		{"exclude, false", "node:\n  a: {exclude: false} # x\n", "node:\n  a: {exclude: true} # x\n", exclude("a")},
		{"exclude, again", "node: {a: {exclude: true}}", "node: {a: {exclude: true}}", exclude("a")},
		{"exclude, all flow", "# x\n{node: {a: {parallel: 2}}}\n", "# x\nnode:\n  a: {exclude: true, parallel: 2}\n", exclude("a")},
		{"exclude, typed", "node:\n  a: !!map {parallel: 2}\n", "node:\n  a: {exclude: true, parallel: 2}\n", exclude("a")},
		{"exclude, windows", "nodes: all\r\nnode:\r\n  a:\r\n", "nodes: all\r\nnode:\r\n  a:\r\n    exclude: true\r\n  b: {exclude: true}\r\n", exclude("a", "b")},
		{"exclude, document end", "node:\n  a:\n...\n", "node:\n  a:\n  b: {exclude: true}\n...\n", exclude("b")},
		{"exclude, odd names", "", "node:\n  \"null\": {exclude: true}\n  \"é: x\": {exclude: true}\n  1.0: {exclude: true}\n", exclude("null", "é: x", "1.0")},
		{"exclude, wide characters", "node:\n  \"é\": {parallel: 2}\n", "node:\n  \"é\": {exclude: true, parallel: 2}\n", exclude("é")},
		{"include, nothing to do", mine, mine, include("pi", "nas")},
		{"include, added", "node:\n  a: {parallel: 2}\n  b: {exclude: true}\n", "node:\n  a: {parallel: 2}\n", include("b")},
		{"include, line", "node:\n  a:\n    exclude: true\n    parallel: 2\n", "node:\n  a:\n    parallel: 2\n", include("a")},
		{"include, name stays", "node:\n  a:\n    exclude: true\n", "node:\n  a:\n", include("a")},
		{"include, comment", "node:\n  a:\n    exclude: true # hot\n", "node:\n  a:\n    exclude: false # hot\n", include("a")},
		{"include, comment above", "node:\n  a:\n    # hot\n    exclude: true\n", "node:\n  a:\n    # hot\n    exclude: false\n", include("a")},
		{"include, comment kept", "node:\n  a: {exclude: true} # hot\n", "node:\n  a: {exclude: false} # hot\n", include("a")},
		{"include, explicit", "nodes: explicit\nnode:\n  a: {exclude: true}\n", "nodes: explicit\nnode:\n  a: {exclude: false}\n  b:\n", include("a", "b")},
		{"use, no file", "", "nodes: explicit\nnode:\n  b:\n  a:\n", use("b", "a", "b")},
		{"use, quoted", "nodes: \"all\" # x\n", "nodes: explicit # x\nnode:\n  a:\n", use("a")},
		{"use, nodes last", "node:\n  b: {parallel: 2}\nnodes: all\n", "node:\n  a:\n  b: {exclude: true, parallel: 2}\nnodes: explicit\n", use("a")},
		{"use, comments go along", mine, `# my machines

nodes:   explicit      # for now

# The order counts.
node:

    # new
    mac:
    nas:
    # in the cellar
    graviton:     # arm
        exclude: true
        platforms: [ linux/arm64,
                     linux/arm/v7 ]   # it has both
        parallel:   2

    pi: {exclude: true,  parallel: 1 }   # slow

# end of nodes

probe-timeout: 8s
`, use("mac", "nas")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, test.text)
			assert.NilError(t, test.edit(path))
			got, err := os.ReadFile(path)
			assert.NilError(t, err)
			assert.Equal(t, string(got), test.want)
			assert.NilError(t, test.edit(path))
			again, err := os.ReadFile(path)
			assert.NilError(t, err)
			assert.Equal(t, string(again), test.want, "a second time changes nothing")
		})
	}
}

func TestEditThereAndBack(t *testing.T) {
	t.Parallel()
	path := write(t, mine)
	assert.NilError(t, Exclude(path, "graviton", "mac", "nas"))
	assert.NilError(t, Include(path, "graviton", "mac", "nas"))
	got, err := os.ReadFile(path)
	assert.NilError(t, err)
	assert.Equal(t, string(got), mine)
}

func TestEditBrokenFile(t *testing.T) {
	t.Parallel()
	const broken = "node:\n  a: {insecur: true}\n"
	path := write(t, broken)
	assert.ErrorContains(t, Exclude(path, "a"), `:2: unknown key "insecur"`)
	got, err := os.ReadFile(path)
	assert.NilError(t, err)
	assert.Equal(t, string(got), broken)
}

func TestEditFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fresh := filepath.Join(dir, "docker", FileName)
	assert.NilError(t, Use(fresh, "a"))
	mode(t, fresh, 0o600)
	assert.NilError(t, os.Chmod(fresh, 0o640))
	link := filepath.Join(dir, FileName)
	assert.NilError(t, os.Symlink(fresh, link))
	assert.NilError(t, Use(link, "b"))
	mode(t, fresh, 0o640)
	info, err := os.Lstat(link)
	assert.NilError(t, err)
	assert.Assert(t, info.Mode()&os.ModeSymlink != 0)
	c, err := Read(fresh)
	assert.NilError(t, err)
	assert.Assert(t, c.Uses("b") && !c.Uses("a"))
	left, err := os.ReadDir(filepath.Dir(fresh))
	assert.NilError(t, err)
	assert.Equal(t, len(left), 1, "nothing else is left behind")
}

func mode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	assert.NilError(t, err)
	if runtime.GOOS != "windows" { // it has no such bits
		assert.Equal(t, info.Mode().Perm(), want)
	}
}

var seeds = []string{
	"", mine, "nodes: explicit\n", "{node: {a: {exclude: true}}}", "node:\n a: {}\n b:\n  exclude: True\n", "%YAML 1.1\n---\nnode:\n  a:\n...\n",
	"node: &x\n  ? a\n  : {parallel: 2}\n", "\ufeffnode:\n  a: {platforms: [linux/arm64]}\n", "node:\n  \"a\\\n    b\": {}\n", "node:\r  a:\r", "node:\r  a:",
}

// FuzzRead: whatever is in the file, reading ends with a configuration or an
// error.
func FuzzRead(f *testing.F) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		root, err := parse("x", text)
		if err != nil {
			return
		}
		if c, err := decode("x", root); err == nil {
			c.Check([]string{"a"}) // must not panic
		}
	})
}

// FuzzEdit: an edit of a file that could be read succeeds or says that it can't
// be done, and changes only what was asked.
func FuzzEdit(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed, "b", "a")
	}
	f.Fuzz(func(t *testing.T, text, one, two string) {
		path := filepath.Join(t.TempDir(), FileName)
		if os.WriteFile(path, []byte(text), 0o600) != nil {
			return
		}
		if _, err := Read(path); err != nil || one == "" || two == "" || one == two {
			return
		}
		if Use(path, one, two) != nil || Exclude(path, two) != nil {
			return
		}
		c, err := Read(path)
		assert.NilError(t, err)
		assert.Assert(t, c.Explicit && c.Uses(one) && !c.Uses(two))
		for _, n := range c.Nodes[1:] {
			assert.Check(t, is.Equal(n.Exclude, true))
		}
	})
}

// Two commands at once don't undo each other's change.
func TestEditsAtOnceAllCount(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", FileName)
	const edits = 20
	var running sync.WaitGroup
	for i := range edits {
		running.Go(func() { assert.Check(t, Exclude(path, fmt.Sprintf("pi%d", i))) })
	}
	running.Wait()

	c, err := Read(path)

	assert.NilError(t, err)
	assert.Equal(t, len(c.Nodes), edits, "%v", c.Names())
	left, err := os.ReadDir(filepath.Dir(path))
	assert.NilError(t, err)
	if runtime.GOOS != "windows" {
		assert.Equal(t, len(left), 1, "%v", left)
	}
}
