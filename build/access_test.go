package build

import (
	"testing"

	buildkit "github.com/moby/buildkit/client"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build/source"
)

// TestAccessIsWhatABuildNeeds of registries, and no more: each repository once,
// and caches alone to be written to.
func TestAccessIsWhatABuildNeeds(t *testing.T) {
	t.Parallel()
	cache := func(kind, ref string) buildkit.CacheOptionsEntry {
		return buildkit.CacheOptionsEntry{Type: kind, Attrs: map[string]string{"ref": ref}}
	}
	req := Request{
		Dockerfile:    &source.Dockerfile{Content: []byte("FROM reg.example.com/base:1\n")},
		NamedContexts: map[string]NamedContext{"a": {Location: "docker-image://reg.example.com/named:1"}, "b": {Location: "https://example.com/x"}, "c": {}},
		CacheFrom:     []buildkit.CacheOptionsEntry{cache("registry", "reg.example.com/cache:old"), {Type: "local", Attrs: map[string]string{"src": "reg.example.com/local"}}},
		CacheTo:       []buildkit.CacheOptionsEntry{cache("registry", "reg.example.com/cache:new"), {Type: "inline"}, cache("registry", "no name")},
	}
	access, err := req.Access(parse("linux/amd64"))
	assert.NilError(t, err)
	got := map[string]bool{}
	for _, a := range access {
		got[a.Repository.String()] = a.Push
	}
	assert.DeepEqual(t, got, map[string]bool{"reg.example.com/base": false, "reg.example.com/named": false, "reg.example.com/cache": true})
	assert.Equal(t, len(access), len(got))

	// The target is the node's business only while its BuildKit pushes there.
	req.pushTo = names("reg.example.com/base")[0]
	access, err = req.Access(parse("linux/amd64"))
	assert.NilError(t, err)
	assert.Assert(t, access[0].Push && access[0].Repository.Name() == "reg.example.com/base", "%v", access)
	assert.Equal(t, len(access), len(got))
}
