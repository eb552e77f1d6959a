package build

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// asleep is a node that has to be started before it builds.
func asleep(name, platform string) *contexts.Node {
	return &contexts.Node{Name: name, Asleep: true, Declares: []ocispec.Platform{parse(platform)}}
}

func TestASleepingNodeIsStartedOnceAndBuilds(t *testing.T) {
	t.Parallel()
	e := &engine{}
	awake := e.start(t, "arm", "aarch64")
	sleeping := asleep("arm", "linux/arm64")
	sleeping.Declares = append(sleeping.Declares, parse("linux/arm/v7"))
	awake.Declares = sleeping.Declares
	r := runner(t)
	var started atomic.Int32
	r.Wake = func(_ context.Context, n *contexts.Node) (*contexts.Node, error) {
		assert.Check(t, n == sleeping)
		started.Add(1)
		return awake, nil
	}
	want := Wanted{Platforms: parseAll("linux/arm64 linux/arm/v7")}
	results, err := r.Run(t.Context(), always(request(t)), plan(t, contexts.Nodes{sleeping}, want))
	assert.NilError(t, err)
	assert.Equal(t, started.Load(), int32(1))
	assert.Equal(t, len(e.done("build")), 2)
	assert.Assert(t, results[0].Node == awake && results[1].Node == awake)
}

func TestANodeThatDoesNotStartIsFollowedByTheNextThatCan(t *testing.T) {
	t.Parallel()
	e := &engine{}
	other := e.start(t, "other", "x86_64")
	r := runner(t)
	broken := errors.New("no capacity")
	r.Wake = func(_ context.Context, n *contexts.Node) (*contexts.Node, error) {
		if n == other {
			return n, nil
		}
		return nil, broken
	}
	nodes := contexts.Nodes{asleep("small", "linux/386"), other}
	results, err := r.Run(t.Context(), always(request(t)), plan(t, nodes, Wanted{Platforms: parseAll("linux/386")}))
	assert.NilError(t, err)
	assert.Equal(t, results[0].Node.Name, "other")
	assert.ErrorIs(t, isNodeError(t, results[0].Lost[0], "small", "start"), broken)

	_, err = r.Run(t.Context(), always(request(t)), plan(t, nodes[:1], Wanted{Platforms: parseAll("linux/386")}))
	assert.ErrorIs(t, isNodeError(t, err, "small", "start"), ErrNodeLost)
}

// What a sleeping node declares is in no plan that did not ask for it.
func TestASleepingNodeJoinsOnlyWhereItsPlatformIsAskedFor(t *testing.T) {
	t.Parallel()
	nodes := contexts.Nodes{on("here", "linux/amd64"), down("arm", contexts.ErrAsleep)}
	assert.Equal(t, render(plan(t, nodes, Wanted{OS: "linux", Push: true, Targets: tags("reg.example.com/app:1")})),
		"linux/amd64 on here (native) targets reg.example.com/app:1 tags reg.example.com/app:1-linux-amd64 pushes reg.example.com/app:1-linux-amd64\n")
	nodes[1] = asleep("arm", "linux/arm64")
	assert.Equal(t, render(plan(t, nodes, Wanted{Platforms: parseAll("linux/arm64")})), "linux/arm64 on arm (native)\n")
}
