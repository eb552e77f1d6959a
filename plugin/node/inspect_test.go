package node

import (
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
)

func TestNodeInspect(t *testing.T) {
	t.Parallel()
	c := farm(t)
	for _, test := range []struct{ golden, args string }{
		{"node-inspect.golden", "inspect laptop pi pi gone"},
		{"node-inspect.json.golden", "inspect --format json pi gone"},
		{"node-inspect-template.golden", "inspect --format {{.Name}}:{{.Advice}} laptop pi"},
	} {
		assert.NilError(t, c.node(t, strings.Fields(test.args)...))
		golden.Assert(t, c.stable(c.out.String()), test.golden)
	}
	err := c.node(t, "inspect", "nobody")
	assert.ErrorIs(t, err, contexts.ErrUnknownContext)
}

// An excluded context is asked only when it is named.
func TestNodeInspectExcluded(t *testing.T) {
	t.Parallel()
	engine := &standIn{info: linuxInfo("X", "s390x", "29.8.2")}
	c := newCLI(t, "nodes: explicit\nnode:\n  default:\n", "default", map[string]string{"x": engine.start(t)})
	assert.NilError(t, c.node(t, "inspect", "--format", "{{.Status}} {{.Platform}} {{.Reason}}", "x"))
	assert.Equal(t, c.out.String(), "excluded linux/s390x not among the nodes of multiarch.yaml:1\n")
}

func TestAdvice(t *testing.T) {
	t.Parallel()
	modern := contexts.Engine{ID: "1", Version: "29.8.2", Builder: contexts.BuildKit, ImageStore: contexts.Containerd}
	engine := func(change func(*contexts.Engine)) *contexts.Node {
		n := &contexts.Node{Name: "n", Engine: modern}
		change(&n.Engine)
		return n
	}
	for _, test := range []struct {
		node *contexts.Node
		want string
	}{
		{&contexts.Node{Name: "n", Engine: modern}, ""},
		{&contexts.Node{Name: "n", Host: "tcp://192.0.2.1:2375"}, "plain-tcp"},
		{&contexts.Node{Name: "n", Host: "tcp://127.0.0.1:2375"}, ""},
		{&contexts.Node{Name: "n", Host: "tcp://192.0.2.1:2376", Encrypted: true}, ""},
		{&contexts.Node{Name: "n", Host: "unix:///other"}, "same-engine"},
		{engine(func(e *contexts.Engine) { e.ID = "other" }), "same-engine"},
		{engine(func(e *contexts.Engine) { e.Version = "29.8.1" }), "engine-old"},
		{engine(func(e *contexts.Engine) { e.Version = "24.0.9"; e.Builder = contexts.Classic }), "classic-builder"},
		{engine(func(e *contexts.Engine) { e.Version = "24.0.8"; e.Builder = contexts.Classic }), "engine-old classic-builder"},
		{engine(func(e *contexts.Engine) { e.Version = "dev" }), ""},
		{engine(func(e *contexts.Engine) { e.Skew = 59 * time.Second }), ""},
		{engine(func(e *contexts.Engine) { e.Skew = -61 * time.Second }), "clock"},
		{engine(func(e *contexts.Engine) { e.ImageStore = contexts.GraphDriver }), "image-store"},
		{engine(func(e *contexts.Engine) { e.ImageStore = contexts.GraphDriver; e.Builder = contexts.Classic }), "classic-builder"},
	} {
		other := &contexts.Node{Name: "other", Host: "unix:///other", Engine: contexts.Engine{ID: "other"}}
		var codes []string
		for _, a := range adviceFor(test.node, contexts.Nodes{test.node, other}, &config.Config{}) {
			codes = append(codes, a.Code)
		}
		assert.Check(t, strings.Join(codes, " ") == test.want, "%v: %v", test.node, codes)
	}
}

func TestWrongClock(t *testing.T) {
	t.Parallel()
	assert.Equal(t, wrongClock(time.Minute), "")
	assert.Assert(t, strings.HasPrefix(wrongClock(2*time.Hour), "the engine's clock is 2h0m0s ahead of this machine's"))
	assert.Assert(t, strings.HasPrefix(wrongClock(-90*time.Second), "the engine's clock is 1m30s behind this machine's"))
}

func TestOlder(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"20.10.24+dfsg1": true, "25.0.1": true, "25.0.2": false, "25.0.2-rc.1": false, "25.1": false, "25": true,
		"29.0.0": false, "": false, "dev": false, "9999999999999999999999": false,
	} {
		assert.Check(t, older(version, "25.0.2") == want, version)
	}
}

func TestNodeAlso(t *testing.T) {
	t.Parallel()
	platform := func(arch, variant string) ocispec.Platform {
		return ocispec.Platform{OS: "linux", Architecture: arch, Variant: variant}
	}
	n := &contexts.Node{Engine: contexts.Engine{ID: "1", Platform: platform("amd64", "")}}
	offered := []ocispec.Platform{platform("amd64", ""), platform("amd64", "v2"), platform("386", ""), platform("arm64", "v8"), platform("arm", "v7"), platform("arm64", "")}
	v := newNodeView(n, offered)
	assert.DeepEqual(t, v.Compatible, []string{"linux/386"})
	assert.DeepEqual(t, v.Emulated, []string{"linux/arm64", "linux/arm/v7"})
	assert.Equal(t, newNodeRow(v, false).Also(), "linux/386, emulated: linux/arm64, linux/arm/v7")
	n = &contexts.Node{Engine: contexts.Engine{ID: "1", Platform: platform("arm", "v7")}}
	assert.DeepEqual(t, newNodeView(n, nil).Compatible, []string{"linux/arm/v6", "linux/arm/v5"})
	n = &contexts.Node{Engine: contexts.Engine{ID: "1", Platform: platform("arm64", "")}, Declares: []ocispec.Platform{platform("arm", "v7")}}
	assert.DeepEqual(t, newNodeView(n, offered).Compatible, []string{"linux/arm/v7"})
}
