package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// write makes a file with that text in a directory of the test's own.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	assert.NilError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestRead(t *testing.T) {
	t.Parallel()
	path := write(t, `# mine
nodes: explicit
platforms: [linux/amd64, linux/arm64]
probe-timeout: 1500ms
node:
  graviton:
    platforms: [linux/arm64, linux/arm/v7]
    parallel: 2
    insecure: true
  "2024":
    exclude: true
  pi:
    push: relay
`)
	c, err := Read(path)
	assert.NilError(t, err)
	assert.Equal(t, c.Path, path)
	assert.Assert(t, c.Explicit)
	assert.Equal(t, c.ProbeTimeout, 1500*time.Millisecond)
	assert.Equal(t, len(c.Nodes), 3)
	assert.DeepEqual(t, c.Nodes[0].Platforms, []ocispec.Platform{{OS: "linux", Architecture: "arm64"}, {OS: "linux", Architecture: "arm", Variant: "v7"}})
	assert.Equal(t, c.Node("graviton").Parallel, 2)
	assert.Assert(t, !c.Node("graviton").Relay && c.Node("pi").Relay)
	assert.Assert(t, c.Node("graviton").Insecure && !c.Node("graviton").Exclude)
	assert.Assert(t, c.Node("2024").Exclude)
	assert.Equal(t, c.Node("pi").Line, 12)
	assert.Equal(t, c.Node("else").Name, "else")
	assert.Equal(t, c.LineOf("probe-timeout"), 4)
	assert.Equal(t, c.Node("graviton").LineOf("parallel"), 8)
	assert.Equal(t, c.Node("pi").LineOf("parallel"), 0)
	assert.Assert(t, c.Uses("graviton") && c.Uses("pi") && !c.Uses("2024") && !c.Uses("else"))
}

func TestReadNothing(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		filepath.Join(t.TempDir(), "none", FileName),
		write(t, ""), write(t, "# only a comment\n"), write(t, "---\n"), write(t, "{}\n"), write(t, "node:\n"),
	} {
		c, err := Read(path)
		assert.NilError(t, err)
		assert.Equal(t, c.Path, path)
		assert.Equal(t, len(c.Nodes), 0)
		assert.Equal(t, c.ProbeTimeout, time.Duration(0))
		assert.Assert(t, c.Uses("any"))
	}
}

func TestReadMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"node:\n  a:\n    platforms: [linux/arm64]\n\n    insecur: true\n", `:5: unknown key "insecur" (did you mean "insecure"?)`},
		{"node:\n  a:\n    push: me\n", `:3: push must be engine or relay, not "me"`},
		{"nods: all\n", `:1: unknown key "nods" (did you mean "nodes"?)`},
		{"colour: red\n", `:1: unknown key "colour"`},
		{"nodes: some\n", `:1: nodes must be all or explicit, not "some"`},
		{"nodes: [all]\n", `:1: nodes must be all or explicit, not a list`},
		{"\nnode: [a]\n", `:2: node must be a mapping, not a list`},
		{"node:\n  a: 5\n", `:2: node "a" must be a mapping, not "5"`},
		{"node:\n  a:\n  b:\n  a:\n", `:4: key "a" is already in line 2`},
		{"nodes: all\nnodes: all\n", `:2: key "nodes" is already in line 1`},
		{"node:\n  [a]: {}\n", `:2: a key must be a word, not a list`},
		{"node:\n  ~: {}\n", `:2: a key must be a word, not nothing`},
		{"node:\n  \"\": {}\n", `:2: the name of a context is empty`},
		{"node:\n  a: {parallel: 0}\n", `:2: parallel must be a whole number, 1 or more, not "0"`},
		{"node:\n  a: {parallel: -1}\n", `:2: parallel must be a whole number, 1 or more, not "-1"`},
		{"node:\n  a: {parallel: two}\n", `:2: parallel must be a whole number, 1 or more, not "two"`},
		{"node:\n  a: {parallel: \"2\"}\n", `:2: parallel must be a whole number, 1 or more, not "2"`},
		{"node:\n  a: {insecure: yes}\n", `:2: insecure must be true or false, not "yes"`},
		{"node:\n  a:\n    exclude:\n", `:3: exclude must be true or false, not nothing`},
		{"node:\n  a: {platforms: linux/arm64}\n", `:2: platforms must be a list such as [linux/arm64, linux/arm/v7], not "linux/arm64"`},
		{"node:\n  a:\n    platforms:\n    - arm64\n", `:4: platforms must be written os/arch[/variant] with names that exist, not "arm64"`},
		{"node:\n  a: {platforms: [linux/arm46]}\n", `not "linux/arm46"`},
		{"node:\n  a: {platforms: [linus/arm64]}\n", `not "linus/arm64"`},
		{"node:\n  a: {platforms: [arm64/linux]}\n", `not "arm64/linux"`},
		{"node:\n  a: {platforms: [/arm64]}\n", `not "/arm64"`},
		{"node:\n  a: {platforms: [linux/]}\n", `not "linux/"`},
		{"node:\n  a: {platforms: [{x: y}]}\n", `not a mapping`},
		{"probe-timeout: 5\n", `:1: probe-timeout must be a time such as 5s or 500ms, not "5"`},
		{"probe-timeout: -5s\n", `not "-5s"`},
		{"probe-timeout: 0s\n", `not "0s"`},
		{"node:\n  a: &x {parallel: 1}\n  b: *x\n", `:3: node "b" must be a mapping, not an alias`},
		{"node:\n  a:\n    <<: {parallel: 1}\n", `:3: unknown key "<<"`},
		{"- a\n", `:1: the file must be a mapping, not a list`},
		{"a: b: c\n", `:1: mapping values are not allowed in this context`},
		{"nodes: all\n---\nnodes: all\n", `:2: a second document`},
		{"nodes: all\n\tx: y\n", ":2: "},
		{strings.Repeat("#", maxSize+1), `: larger than 1048576 bytes`},
	} {
		path := write(t, test.text)
		_, err := Read(path)
		assert.Check(t, is.ErrorContains(err, test.want), test.text)
		var mistake *Error
		assert.Check(t, errors.As(err, &mistake), test.text)
		assert.Check(t, is.ErrorContains(err, path), test.text)
	}
}

func TestReadAllMistakes(t *testing.T) {
	t.Parallel()
	path := write(t, "nodes: none\nnode:\n  a: {parallel: 0, x: y}\n  a:\n")
	_, err := Read(path)
	assert.Error(t, err, path+`:1: nodes must be all or explicit, not "none"`+"\n"+
		path+`:4: key "a" is already in line 3`+"\n"+
		path+`:3: parallel must be a whole number, 1 or more, not "0"`+"\n"+
		path+`:3: unknown key "x"`)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	path := write(t, "node:\n  graviton:\n  gravitom: {parallel: 2}\n  zzz:\n")
	c, err := Read(path)
	assert.NilError(t, err)
	err = c.Check([]string{"default", "graviton"})
	assert.Error(t, err, path+`:3: no such Docker context "gravitom" (did you mean "graviton"?)`+"\n"+
		path+`:4: no such Docker context "zzz"`)
	assert.ErrorIs(t, err, ErrUnknownContext)
	assert.NilError(t, c.Check([]string{"zzz", "gravitom", "graviton"}))
}
