package plugin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	refname "github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"github.com/docker-multiarch/docker-multiarch/e2e/standin"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

// publishedImage puts an index of three platforms under a tag and returns its
// registry.
func publishedImage(t *testing.T) (host string) {
	t.Helper()
	host = plugintest.Registry(t, nil)
	index := v1.ImageIndex(empty.Index)
	for i, platform := range []string{"linux/amd64", "linux/arm/v7", "linux/arm64"} {
		p, err := v1.ParsePlatform(platform)
		assert.NilError(t, err)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: plugintest.Image(t, platform, i+1), Descriptor: v1.Descriptor{Platform: p}})
	}
	tag, err := refname.NewTag(host+"/app:1", refname.Insecure)
	assert.NilError(t, err)
	assert.NilError(t, remote.WriteIndex(tag, index))
	single, err := refname.NewTag(host+"/single:1", refname.Insecure)
	assert.NilError(t, err)
	assert.NilError(t, remote.Write(single, plugintest.Image(t, "linux/s390x", 1)))
	return host
}

// imageView is what inspect --format json says, as far as tests look at it.
type imageView struct {
	Reference string
	Platforms []struct {
		Platform string
		Nodes    []string
	}
}

func TestInspect(t *testing.T) {
	host := publishedImage(t)
	d := newDocker(t, "nobody", map[string]string{"nobody": "unix:///nowhere/docker.sock"})
	for _, c := range []struct{ golden, ref, format string }{
		{"inspect", "/app:1", ""},
		{"inspect", "/app:1", "table"},
		{"inspect-single", "/single:1", ""},
		{"inspect.json", "/app:1", "json"},
		{"inspect-template", "/app:1", "{{.Platform}} {{.Size}} {{.Layers}}"},
		{"inspect-table", "/app:1", "table {{.Platform}}\t{{.Digest}}"},
	} {
		args := []string{"inspect", host + c.ref}
		if c.format != "" {
			args = append(args, "--format", c.format)
		}
		assert.NilError(t, d.run(t, args...), c.golden)
		golden.Assert(t, strings.ReplaceAll(d.Out.String(), host, "REGISTRY"), c.golden+".golden")
		assert.Equal(t, d.Err.String(), "")
	}
}

func TestInspectRawIsTheManifestToTheByte(t *testing.T) {
	host := publishedImage(t)
	d := newDocker(t, "nobody", nil)
	tag, err := refname.NewTag(host+"/app:1", refname.Insecure)
	assert.NilError(t, err)
	index, err := remote.Index(tag)
	assert.NilError(t, err)
	raw, err := index.RawManifest()
	assert.NilError(t, err)
	assert.NilError(t, d.run(t, "inspect", "--raw", host+"/app:1"))
	assert.Equal(t, d.Out.String(), string(raw))
}

func TestInspectNamesTheNodesThatRunAPlatformNatively(t *testing.T) {
	host := publishedImage(t)
	amd, arm := &standin.Engine{ID: "AMD"}, &standin.Engine{ID: "ARM", Architecture: "aarch64"}
	d := newDocker(t, "laptop", map[string]string{"laptop": plugintest.Listen(t, amd), "pi": plugintest.Listen(t, arm), "gone": "unix:///nowhere/docker.sock"})
	assert.NilError(t, d.run(t, "inspect", "--nodes", "--format", "json", host+"/app:1"))
	var view imageView
	assert.NilError(t, json.Unmarshal(d.Out.Bytes(), &view))
	got := map[string]string{}
	for _, p := range view.Platforms {
		got[p.Platform] = strings.Join(p.Nodes, " ")
	}
	assert.DeepEqual(t, got, map[string]string{"linux/amd64": "laptop", "linux/arm64": "pi", "linux/arm/v7": ""})

	assert.NilError(t, d.run(t, "inspect", "--nodes", host+"/app:1"))
	plugintest.Contains(t, d.Out.String(), "NODES", "pi")
}

func TestInspectWithoutNodesDialsNone(t *testing.T) {
	host := publishedImage(t)
	e := &standin.Engine{}
	d := newDocker(t, "laptop", map[string]string{"laptop": plugintest.Listen(t, e)})
	assert.NilError(t, d.run(t, "inspect", host+"/app:1"))
	assert.Equal(t, e.Asked("_ping"), 0)
}

func TestErrorsOfInspect(t *testing.T) {
	host := publishedImage(t)
	closed := plugintest.Registry(t, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Basic realm="closed"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	d := newDocker(t, "nobody", nil)
	for _, c := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"no image", nil, exitUsage, []string{"requires at least 1 argument"}},
		{"an unknown flag", []string{"--nope"}, exitUsage, []string{"unknown flag: --nope", "--help"}},
		{"a bad reference", []string{"UPPER:x:y"}, exitUsage, []string{`invalid reference "UPPER:x:y"`}},
		{"a bad template", []string{"--format", "{{.Nope}}", host + "/app:1"}, exitUsage, []string{"invalid --format"}},
		{"a template that does not end", []string{"--format", "{{", host + "/app:1"}, exitUsage, []string{"invalid --format"}},
		{"no such tag", []string{host + "/app:2"}, exitUnavailable, []string{host + "/app:2", "not found"}},
		{"no such repository", []string{host + "/nope"}, exitUnavailable, []string{host + "/nope:latest", "not found"}},
		{"a registry that wants a login", []string{closed + "/app"}, exitUnavailable, []string{"unauthorized", "docker login " + closed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := d.run(t, append([]string{"inspect"}, c.args...)...)
			assert.Assert(t, err != nil)
			assert.Equal(t, exitCode(err), c.code, "%v", err)
			plugintest.Contains(t, err.Error(), c.want...)
			assert.Equal(t, d.Out.String(), "")
		})
	}
}
