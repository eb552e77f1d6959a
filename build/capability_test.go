package build

import (
	"errors"
	"strings"
	"testing"

	buildkit "github.com/moby/buildkit/client"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/contexts"
)

const heredoc = "FROM scratch\nCOPY <<EOF /x\ny\nEOF\n"

// TestWhatAnEngineLacksIsRefusedBeforeTheBuild: an old engine would drop it
// without a word.
func TestWhatAnEngineLacksIsRefusedBeforeTheBuild(t *testing.T) {
	t.Parallel()
	named := map[string]NamedContext{"x": {Location: "docker-image://x"}}
	registry, inline := []buildkit.CacheOptionsEntry{{Type: "registry"}}, []buildkit.CacheOptionsEntry{{Type: "inline"}}
	annotation, sbom := map[string]string{"a": "b"}, map[string]string{"sbom": ""}
	for _, c := range []struct {
		name, dockerfile string
		set              func(*Request)
		version          string
		store            contexts.ImageStore
		want             string // "" for: it can
	}{
		{name: "nothing special", version: "20.10.24"},
		{name: "named contexts", set: func(r *Request) { r.NamedContexts = named }, version: "20.10.24", want: `--build-context: node a (engine 20.10.24) can't: it needs engine 23.0, or a "# syntax=docker/dockerfile:1" line`},
		{name: "named contexts, newer", set: func(r *Request) { r.NamedContexts = named }, version: "23.0.0"},
		{name: "named contexts with a frontend of one's own", set: func(r *Request) { r.NamedContexts = named }, dockerfile: "# syntax=docker/dockerfile:1\nFROM scratch", version: "20.10.24"},
		{name: "a here-document", dockerfile: heredoc, version: "20.10.24", want: "a here-document in the Dockerfile: node a"},
		{name: "a here-document, newer", dockerfile: heredoc, version: "24.0.7"},
		{name: "a here-document with a frontend of one's own", dockerfile: "#syntax=docker/dockerfile:1\n" + heredoc, version: "20.10.24"},
		{name: "the host's address", set: func(r *Request) { r.AddHosts = []string{"a=host-gateway"} }, version: "23.0.8", want: "--add-host with host-gateway: node a (engine 23.0.8) can't: it needs engine 24.0"},
		{name: "an address", set: func(r *Request) { r.AddHosts = []string{"host-gateway=10.0.0.1"} }, version: "20.10.24"},
		{name: "/dev/shm", set: func(r *Request) { r.ShmSize = 1 }, version: "20.10.24", want: "--shm-size"},
		{name: "limits", set: func(r *Request) { r.Ulimits = []string{"nofile=1:1"} }, version: "20.10.24", want: "--ulimit"},
		{name: "a cgroup", set: func(r *Request) { r.CgroupParent = "x" }, version: "20.10.24", want: "--cgroup-parent"},
		{name: "attestations with a graph driver", set: func(r *Request) { r.Attests = sbom }, version: "28.5.2", want: "--sbom (--attest type=sbom): node a (engine 28.5.2) can't: it needs the containerd image store"},
		{name: "attestations with containerd's store", set: func(r *Request) { r.Attests = sbom }, version: "28.5.2", store: contexts.Containerd},
		{name: "attestations with an old one", set: func(r *Request) { r.Attests = sbom }, version: "23.0.1", store: contexts.Containerd, want: "it needs engine 24.0"},
		{name: "attestations with an old one and a frontend", set: func(r *Request) { r.Attests = sbom }, dockerfile: "# syntax=docker/dockerfile:1\nFROM scratch", version: "23.0.1", store: contexts.Containerd, want: "it needs engine 24.0"},
		{name: "annotations with a graph driver", set: func(r *Request) { r.Annotations = annotation }, version: "28.5.2", want: "--annotation"},
		{name: "a cache in a registry", set: func(r *Request) { r.CacheTo = registry }, version: "28.5.2", want: "--cache-to"},
		{name: "a cache in the image", set: func(r *Request) { r.CacheTo = inline }, version: "28.5.2"},
		{name: "several outputs", set: func(r *Request) { r.Outputs = make([]Output, 2) }, version: "25.0.8", want: "more than one --output: node a (engine 25.0.8) can't: it needs engine 26.0"},
		{name: "several outputs, newer", set: func(r *Request) { r.Outputs = make([]Output, 2) }, version: "26.0.0"},
		{name: "a build from source counts as new", set: func(r *Request) { r.ShmSize = 1 }, version: "dev"},
		{name: "no version counts as new", set: func(r *Request) { r.ShmSize = 1 }, version: ""},
		{name: "a distribution's version", set: func(r *Request) { r.ShmSize = 1 }, version: "20.10.24+dfsg1", want: "--shm-size"},
		{name: "versions are numbers", set: func(r *Request) { r.ShmSize = 1 }, version: "100.1.0"},
		{name: "a Dockerfile with a mistake is the build's to refuse", dockerfile: "FROM a\nCOPY <<EOF", version: "20.10.24"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := c.dockerfile
			if text == "" {
				text = "FROM scratch"
			}
			req := Request{Dockerfile: &source.Dockerfile{Name: "Dockerfile", Content: []byte(text)}}
			if c.set != nil {
				c.set(&req)
			}
			if c.store == "" {
				c.store = contexts.GraphDriver
			}
			node := on("a", "linux/amd64")
			node.Engine.Version, node.Engine.ImageStore = c.version, c.store
			err := Assignment{Node: node}.Check(req)
			if c.want == "" {
				assert.NilError(t, err)
				return
			}
			var unsupported *UnsupportedError
			assert.Assert(t, errors.As(err, &unsupported), "%v", err)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestAllThatAnEngineLacksIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	node := on("a", "linux/amd64")
	node.Engine.Version, node.Engine.ImageStore = "20.10.24", contexts.GraphDriver
	req := Request{Dockerfile: &source.Dockerfile{Content: []byte(heredoc)}, ShmSize: 1, Annotations: map[string]string{"a": "b"}}
	err := Assignment{Node: node}.Check(req)
	assert.Equal(t, strings.Count(err.Error(), "\n"), 2, "%v", err)
}

// A distribution's environment is no reason to build nothing.
func TestWhatAnEngineMakesNoUseOfIsSaid(t *testing.T) {
	t.Parallel()
	req := request(t)
	req.BuildArgs = map[string]string{"SOURCE_DATE_EPOCH": "0"}
	for version, want := range map[string]string{"20.10.24": "SOURCE_DATE_EPOCH: node a (engine 20.10.24) can't: it needs engine 24.0", "24.0.0": ""} {
		node := on("a", "linux/amd64")
		node.Engine.Version = version
		a := Assignment{Node: node}
		assert.NilError(t, a.Check(req))
		if err := a.Ignored(req); want == "" {
			assert.NilError(t, err)
		} else {
			assert.Error(t, err, want)
		}
		req := req
		req.BuildArgs = nil
		assert.NilError(t, a.Ignored(req))
	}
}
