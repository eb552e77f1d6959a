package build

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	control "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/session"
	"github.com/opencontainers/go-digest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

func TestALostNodeIsFollowedByTheNextThatCan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		want error
		// build is the first node's, which may end its own engine.
		build func(e *engine) build
	}{
		{"the engine dies", ErrNodeLost, func(e *engine) build {
			return func(ctx context.Context, _ *control.SolveRequest, _ session.Caller) (digest.Digest, error) {
				go e.stop()
				<-ctx.Done()
				return "", errRun
			}
		}},
		{"the engine is unavailable", ErrNodeLost, func(*engine) build { return failing(status.Error(codes.Unavailable, "shutting down"), already) }},
		{"the engine answers no ping", ErrNodeLost, func(e *engine) build {
			return func(context.Context, *control.SolveRequest, session.Caller) (digest.Digest, error) {
				e.Deaf.Store(true)
				return "", errRun
			}
		}},
		{"its disk is full", ErrNodeFull, func(*engine) build { return failing(errFull, already) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			first, second := &engine{}, &engine{}
			first.Build = c.build(first)
			nodes := contexts.Nodes{first.start(t, "first", "x86_64"), second.start(t, "second", "x86_64")}
			results, err := runner(t).Run(t.Context(), always(request(t)), plan(t, nodes, Wanted{Push: true, Targets: tags("reg.example.com/app:1")}))
			assert.NilError(t, err)
			assert.Equal(t, results[0].Node.Name, "second")
			assert.Equal(t, results[0].Image.ID, idOf("second"))
			assert.Equal(t, len(results[0].Lost), 1)
			assert.ErrorIs(t, isNodeError(t, results[0].Lost[0], "first", "build"), c.want)
			assert.Equal(t, len(second.done("push")), 1)
		})
	}
}

// What stays on a node that is lost is told, though another one has the platform now.
func TestWhatIsLeftOnALostNodeIsTold(t *testing.T) {
	t.Parallel()
	first, second := &engine{}, &engine{}
	first.Create = func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"Id": "vessel"}`)
	}
	first.Push = func(_ int, w http.ResponseWriter) {
		first.Deaf.Store(true)
		hangUp(w)
	}
	r := runner(t)
	r.Fits = func(_ context.Context, a Assignment, open func() (*Contents, error)) (func(context.Context), error) {
		if a.Node.Name == "second" {
			return nil, nil
		}
		_, err := open()
		return func(ctx context.Context) { <-ctx.Done() }, err
	}
	nodes := contexts.Nodes{first.start(t, "first", "x86_64"), second.start(t, "second", "x86_64")}
	results, err := r.Run(t.Context(), always(request(t)), plan(t, nodes, Wanted{Push: true, Targets: tags("reg.example.com/app:1")}))
	assert.NilError(t, err)
	assert.Equal(t, results[0].Node.Name, "second")
	assert.ErrorContains(t, results[0].Left, "container vessel is left on node first")
	assert.ErrorContains(t, results[0].Left, "image "+idOf("first").String()+" is left on node first")
}

func TestABuildThatFailsIsNotTriedElsewhere(t *testing.T) {
	t.Parallel()
	first, second := &engine{Build: failing(errRun, already)}, &engine{}
	nodes := contexts.Nodes{first.start(t, "first", "x86_64"), second.start(t, "second", "x86_64")}
	_, err := runner(t).Run(t.Context(), always(request(t)), plan(t, nodes, Wanted{}))
	isNodeError(t, err, "first", "build")
	assert.Equal(t, len(second.done("build")), 0)
}

func TestWhenAllNodesAreLostTheSpareOnesAreAsked(t *testing.T) {
	t.Parallel()
	first, spare, other := &engine{Build: failing(errFull, already)}, &engine{}, &engine{}
	r := runner(t)
	spares := contexts.Nodes{other.start(t, "other", "aarch64"), spare.start(t, "spare", "x86_64")}
	r.Spare = func(context.Context) contexts.Nodes { return spares }
	results, err := r.Run(t.Context(), always(request(t)), plan(t, contexts.Nodes{first.start(t, "first", "x86_64")}, Wanted{}))
	assert.NilError(t, err)
	assert.Equal(t, results[0].Node.Name, "spare")
	assert.Equal(t, len(other.done("build")), 0)
}

func TestWhenNoNodeIsLeftTheLastFailureIsTheError(t *testing.T) {
	t.Parallel()
	first, second := &engine{Build: failing(errFull, already)}, &engine{Build: failing(errFull, already)}
	nodes := contexts.Nodes{first.start(t, "first", "x86_64"), second.start(t, "second", "x86_64")}
	results, err := runner(t).Run(t.Context(), always(request(t)), plan(t, nodes, Wanted{}))
	assert.ErrorIs(t, isNodeError(t, err, "second", "build"), ErrNodeFull)
	assert.Equal(t, len(results[0].Lost), 1)
}

// TestAFailoverLeavesTheTargetsNameToThePlatformThatHasItThere: two images
// can't have one name.
func TestAFailoverLeavesTheTargetsNameToThePlatformThatHasItThere(t *testing.T) {
	t.Parallel()
	first, second := &engine{Build: failing(errFull, already)}, &engine{}
	nodes := contexts.Nodes{first.start(t, "first", "i686"), second.start(t, "second", "x86_64")}
	_, err := runner(t).Run(t.Context(), always(request(t)), plan(t, nodes, Wanted{Targets: tags("reg.example.com/app:1")}))
	assert.NilError(t, err)
	named := 0
	for _, build := range second.done("build") {
		if strings.Contains(build, "reg.example.com/app:1,") {
			named++
			assert.Assert(t, strings.Contains(build, "linux/amd64"), build)
		}
	}
	assert.Equal(t, named, 1)
}

// TestALostNodeIsNotFollowedByOneThatLacksAFeature: an old engine drops what it
// does not know without a word.
func TestALostNodeIsNotFollowedByOneThatLacksAFeature(t *testing.T) {
	t.Parallel()
	first, old := &engine{Build: failing(errFull, already)}, &engine{}
	nodes := contexts.Nodes{first.start(t, "first", "x86_64"), old.start(t, "old", "x86_64")}
	nodes[1].Engine.Version = "20.10.24"
	req := request(t)
	req.ShmSize = 1 << 20
	results, err := runner(t).Run(t.Context(), func(Assignment) Request { return req }, plan(t, nodes, Wanted{}))
	assert.Assert(t, err != nil, "built on %s", results[0].Node.Name)
	assert.Equal(t, len(old.done("build")), 0)
}
