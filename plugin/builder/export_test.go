package builder

import (
	"os"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

func TestOutputsOfArchives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	assert.NilError(t, os.WriteFile(file, nil, 0o600))
	for value, want := range map[string]output{
		"type=oci,dest=a.tar":               {kind: outputOCI, dest: "a.tar"},
		"type=oci":                          {kind: outputOCI, dest: toStdout},
		"type=oci,dest=" + file:             {kind: outputOCI, dest: file},
		"type=oci,dest=" + dir:              {kind: outputOCI, dest: dir, dir: true},
		"type=oci,dest=new,tar=false":       {kind: outputOCI, dest: "new", dir: true},
		"type=docker,dest=a.tar":            {kind: outputDocker, dest: "a.tar"},
		"type=docker":                       {kind: outputDocker},
		"type=oci,tar=false":                {},
		"type=oci,dest=-,tar=false":         {},
		"type=oci,tar=false,dest=" + file:   {},
		"type=oci,dest=/dev/null":           {},
		"type=tar,dest=a.tar,tar=false":     {},
		"type=oci,dest=a.tar,tar=sometimes": {},
	} {
		got, err := parseOutput(value)
		if want == (output{}) {
			assert.Assert(t, err != nil, value)
			continue
		}
		assert.NilError(t, err, value)
		assert.Equal(t, got, want, value)
	}
}

// For an archive every node's image is taken; who pushes is not asked.
func TestAnArchiveIsMadeHere(t *testing.T) {
	d := plugintest.New(t, "nobody", nil)
	dir := plugintest.Dir(t, map[string]string{"Dockerfile": "FROM scratch"})
	s, _ := sessionOf(t, d, "-o", "type=oci,dest=a.tar", dir)
	s.nodes = contexts.Nodes{{Name: "a"}, {Name: "b"}}
	assert.NilError(t, s.keepHere())
	assert.Assert(t, s.nodes[0].Relay && s.nodes[1].Relay && s.relay.convert && s.input.options.publishes())

	s, _ = sessionOf(t, d, "-o", "type=oci", dir)
	d.CLI.Out().SetIsTerminal(true)
	plugintest.Contains(t, s.keepHere().Error(), "terminal")
}

// What a relay takes lies in the temporary directory, and only as long as it is needed.
func TestARelayLeavesNothingBehind(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp) // on Windows
	d := plugintest.New(t, "nobody", nil)
	s, _ := sessionOf(t, d, plugintest.Dir(t, map[string]string{"Dockerfile": "FROM scratch"}))
	before, err := os.ReadDir(temp)
	assert.NilError(t, err)
	assert.Equal(t, len(before), 0, "room is made for nothing")
	_, err = s.relay.Take(t.Context(), build.Image{ID: "sha256:x"}, nopReader{})
	assert.Assert(t, err != nil)
	during, err := os.ReadDir(temp)
	assert.NilError(t, err)
	assert.Equal(t, len(during), 1)
	assert.NilError(t, s.relay.close())
	after, err := os.ReadDir(temp)
	assert.NilError(t, err)
	assert.Equal(t, len(after), 0)
}

type nopReader struct{}

func (nopReader) Read([]byte) (int, error) { return 0, os.ErrClosed }
