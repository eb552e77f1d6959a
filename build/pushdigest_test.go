package build

import (
	"context"
	"fmt"
	"testing"

	control "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/session"
	"github.com/opencontainers/go-digest"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// whole is a node whose engine has the containerd image store.
func whole(t *testing.T, e *engine) *contexts.Node {
	t.Helper()
	node := e.start(t, "a", "x86_64")
	node.Engine.ImageStore = contexts.Containerd
	return node
}

func TestPushByDigest(t *testing.T) {
	t.Parallel()
	var exporters []string
	e := &engine{Build: func(_ context.Context, req *control.SolveRequest, _ session.Caller) (digest.Digest, error) {
		out := req.GetExporters()[0]
		exporters = append(exporters, fmt.Sprint(out.GetType(), " ", out.GetAttrs()))
		_, anew := req.GetFrontendAttrs()["no-cache"]
		assert.Check(t, anew == (len(exporters) == 1), "the second build must be from the cache")
		return idOf("a"), nil
	}}
	r := runner(t)
	r.Credentials = logins(t)
	var verified []string
	r.Verify = func(_ context.Context, _ Assignment, image Image, p Pushed) error {
		verified = append(verified, fmt.Sprint(p.Reference, " ", p.Digest == image.ID))
		if len(verified) == 1 {
			return ErrOtherImage
		}
		return nil
	}
	p, err := NewPlan(contexts.Nodes{whole(t, e)}, Wanted{OS: "linux", Push: true, Targets: tags("reg.example.com/app:1")})
	assert.NilError(t, err)
	req := request(t)
	req.NoCache = true
	results, err := r.Run(t.Context(), always(req), p)
	assert.NilError(t, err)
	assert.Equal(t, results[0].Pushed[0].Digest, idOf("a"))
	push := "image map[name:reg.example.com/app push:true push-by-digest:true store:false]"
	assert.DeepEqual(t, exporters, []string{"moby map[name:reg.example.com/app:1]", push, push})
	assert.DeepEqual(t, verified, []string{"reg.example.com/app true", "reg.example.com/app true"})
	assert.Equal(t, len(e.done("push")), 0)
}

func TestWhatCanNotBePushedByDigest(t *testing.T) {
	t.Parallel()
	untagged := names("reg.example.com/app")
	attested := Request{Attests: map[string]string{"sbom": ""}}
	containerd := &contexts.Node{Name: "a", Engine: contexts.Engine{Builder: contexts.BuildKit, ImageStore: contexts.Containerd}}
	for name, c := range map[string]struct {
		a       Assignment
		req     Request
		refused bool
	}{
		"containerd":   {Assignment{Node: containerd, Pushes: untagged}, Request{}, false},
		"attested":     {Assignment{Node: containerd, Pushes: untagged}, attested, true},
		"tagged":       {Assignment{Node: containerd, Pushes: names("reg.example.com/app:1")}, attested, false},
		"relayed":      {Assignment{Node: &contexts.Node{Relay: true}, Pushes: untagged}, attested, false},
		"graph driver": {Assignment{Node: &contexts.Node{Engine: contexts.Engine{Builder: contexts.BuildKit, ImageStore: contexts.GraphDriver}}, Pushes: untagged}, Request{}, true},
		"classic":      {Assignment{Node: &contexts.Node{Engine: contexts.Engine{Builder: contexts.Classic, ImageStore: contexts.Containerd}}, Pushes: untagged}, Request{}, true},
	} {
		err := c.a.checkUntagged(c.req)
		assert.Equal(t, err != nil, c.refused, "%s: %v", name, err)
		if c.refused {
			assert.ErrorIs(t, err, ErrNeedsTag)
		}
	}
}
