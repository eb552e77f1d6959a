//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// metadata is the documented format of --metadata-file.
type metadata struct {
	Digest    string              `json:"containerimage.digest"`
	Name      string              `json:"image.name"`
	Version   int                 `json:"multiarch.version"`
	Platforms map[string]platform `json:"multiarch.platforms"`
}

type platform struct {
	Node         string   `json:"node"`
	ImageID      string   `json:"imageID"`
	Digest       string   `json:"digest"`
	Size         int64    `json:"size"`
	BuildSeconds float64  `json:"buildSeconds"`
	PushSeconds  float64  `json:"pushSeconds"`
	Sent         []string `json:"sent"`
	SentBytes    int64    `json:"sentBytes"`
	Steps        int      `json:"steps"`
	Cached       int      `json:"cached"`
}

func readMetadata(t *testing.T, file string) (m metadata, raw map[string]json.RawMessage) {
	t.Helper()
	text, err := os.ReadFile(file)
	assert.NilError(t, err)
	assert.NilError(t, json.Unmarshal(text, &m))
	assert.NilError(t, json.Unmarshal(text, &raw))
	schema, err := jsonschema.NewCompiler().Compile("../docs/metadata.schema.json")
	assert.NilError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	assert.NilError(t, err)
	assert.NilError(t, schema.Validate(document))
	return m, raw
}

func TestMetadataFile(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref, file := f.address+"/"+repo+":1", filepath.Join(t.TempDir(), "metadata.json")
	dir := files{"Dockerfile": dockerfile("COPY a b /", "RUN uname -m > /machine"), "a": "aaaa", "b": "bb", "c": "not needed"}.dir(t)
	build := func() (metadata, map[string]json.RawMessage) {
		c.build("-t", ref, "--push", "--metadata-file", file, dir).succeeded()
		return readMetadata(t, file)
	}

	m, raw := build()

	image := published(t, openRegistry(), repo, "1", bothPlatforms())
	assert.Equal(t, m.Digest, image.Digest)
	assert.Equal(t, m.Name, ref)
	assert.Equal(t, m.Version, 1)
	assert.Assert(t, raw["containerimage.descriptor"] != nil)
	assert.Equal(t, len(m.Platforms), 2)
	for i, e := range []engine{"i386", "amd64"} {
		p := m.Platforms[e.platform()]
		assertPlatform(t, p, image.Children[i])
		assert.Equal(t, p.Node, string(e))
		assert.DeepEqual(t, p.Sent, []string{"a", "b"})
		assert.Equal(t, p.SentBytes, int64(6))
		assert.Equal(t, p.Steps, 2)
		assert.Assert(t, p.Cached < 2, "the RUN is new, the COPY may be known")
	}

	m, _ = build()

	assert.Equal(t, m.Digest, image.Digest)
	for _, e := range engines {
		p := m.Platforms[e.platform()]
		assert.Assert(t, p.Sent != nil, "null is no list")
		assert.Assert(t, is.Len(p.Sent, 0), "unchanged files were sent again to %s", e)
		assert.Equal(t, p.SentBytes, int64(0))
		assert.Equal(t, p.Cached, 2)
	}
}

func assertPlatform(t *testing.T, p platform, child oracle.Child) {
	t.Helper()
	assert.Equal(t, p.ImageID, child.ConfigDigest)
	assert.Equal(t, p.Digest, child.Digest)
	size := int64(len(child.Config))
	for _, layer := range child.Layers {
		size += layer.Size
	}
	assert.Equal(t, p.Size, size)
	assert.Assert(t, p.BuildSeconds > 0 && p.PushSeconds > 0)
}

// Only the file that changed is sent again.
func TestMetadataTellsTheFileThatChanged(t *testing.T) {
	t.Parallel()
	c, repo, file := newClient(t), repository(t), filepath.Join(t.TempDir(), "metadata.json")
	dir := files{"Dockerfile": dockerfile("COPY . /all"), "a": "old", "deep/b": "b"}.dir(t)
	args := []string{"-t", repo, "--metadata-file", file, dir}
	c.build(args...).succeeded()
	files{"a": "newer"}.write(t, dir)

	c.build(args...).succeeded()

	m, _ := readMetadata(t, file)
	assert.Equal(t, m.Digest, "")
	for _, e := range engines {
		assert.DeepEqual(t, m.Platforms[e.platform()].Sent, []string{"a"})
		assert.Equal(t, e.run(t, repo, "cat", "/all/a"), "newer")
	}
}
