package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// relayStandIn takes what ends with "end", and notes what it is asked.
type relayStandIn struct {
	taken  []string
	pushed []string
	err    error // of pushes
	// immutable is a tag that has other content.
	immutable string
}

func (r *relayStandIn) Take(_ context.Context, image Image, saved io.Reader) (ocispec.Descriptor, error) {
	raw, err := io.ReadAll(saved)
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("reading: %w", err)
	}
	r.taken = append(r.taken, fmt.Sprint(image.ID == idOf("a"), " ", string(raw)))
	if string(raw) != "the end" {
		return ocispec.Descriptor{}, io.ErrUnexpectedEOF
	}
	return ocispec.Descriptor{Digest: idOf("taken")}, nil
}

func (*relayStandIn) Name() reference.Named { return mustTag("relay.invalid/image:x") }

func (r *relayStandIn) Push(_ context.Context, taken ocispec.Descriptor, name reference.Named) error {
	r.pushed = append(r.pushed, fmt.Sprint(taken.Digest == idOf("taken"), " ", name))
	if name.String() == r.immutable {
		return ErrImmutable
	}
	return r.err
}

// relayed builds on an engine that doesn't push.
func relayed(t *testing.T, r *Runner, e *engine, want Wanted) (Result, error) {
	t.Helper()
	node := e.start(t, "a", "x86_64")
	node.Relay = true
	want.Push, want.OS = true, "linux"
	p, err := NewPlan(contexts.Nodes{node}, want)
	assert.NilError(t, err)
	results, err := r.Run(t.Context(), always(request(t)), p)
	assert.Equal(t, len(e.done("push")), 0)
	return results[0], err
}

func text(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { _, _ = io.WriteString(w, text) }
}

func TestARelayPushesWhatTheNodeBuilt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		template TagTemplate
		want     []string
	}{
		{newTemplate(t, ""), []string{"true reg.example.com/app:1-linux-amd64", "true docker.io/library/app:1-linux-amd64"}},
		{TagTemplate{}, []string{"true reg.example.com/app", "true docker.io/library/app"}},
	} {
		e, relay := &engine{Save: text("the end")}, &relayStandIn{}
		r := runner(t)
		r.Relay = relay
		r.Credentials = nil // no login of a target is looked up for the node
		var verified []string
		r.Verify = func(_ context.Context, _ Assignment, image Image, p Pushed) error {
			verified = append(verified, fmt.Sprint(image.ID == p.Digest && p.Digest == idOf("taken"), " ", p.Reference))
			return nil
		}
		res, err := relayed(t, r, e, Wanted{Targets: tags("reg.example.com/app:1 app:1"), PlatformTag: c.template})
		assert.NilError(t, err)
		assert.DeepEqual(t, e.done("save"), []string{"save " + idOf("a").String()})
		assert.DeepEqual(t, relay.taken, []string{"true the end"})
		assert.DeepEqual(t, relay.pushed, c.want)
		assert.DeepEqual(t, verified, append([]string{"true relay.invalid/image:x"}, c.want...))
		assert.Equal(t, len(res.Pushed), 2)
		assert.Equal(t, res.Image.ID, idOf("a"))
	}
}

// What is not pushed anywhere is kept, and what is for another platform is not even pushed.
func TestWhatARelayTakesIsVerified(t *testing.T) {
	t.Parallel()
	for name, why := range map[string]error{"kept": nil, "refused": errors.New("platform mismatch")} {
		e, relay, r := &engine{Save: text("the end")}, &relayStandIn{}, runner(t)
		r.Relay = relay
		r.Verify = func(_ context.Context, _ Assignment, _ Image, p Pushed) error {
			assert.Check(t, p == Pushed{Reference: relay.Name(), Digest: idOf("taken")}, name)
			return why
		}
		node := e.start(t, "a", "x86_64")
		node.Relay = true
		p := plan(t, contexts.Nodes{node}, Wanted{Targets: tags("app:1"), Push: why != nil})
		results, err := r.Run(t.Context(), always(request(t)), p)
		assert.ErrorIs(t, err, why)
		assert.Equal(t, len(relay.pushed), 0)
		assert.Equal(t, len(results[0].Pushed) == 1, why == nil)
	}
}

// Engines end a save that failed as if it were whole.
func TestASaveThatEndsTooEarlyIsRepeated(t *testing.T) {
	t.Parallel()
	relay, r := &relayStandIn{}, runner(t)
	r.Relay = relay
	e := &engine{}
	e.Save = func(w http.ResponseWriter) {
		if len(e.done("save")) == 1 {
			text("the")(w)
			return
		}
		text("the end")(w)
	}
	_, err := relayed(t, r, e, Wanted{Targets: tags("app:1")})
	assert.NilError(t, err)
	assert.DeepEqual(t, relay.taken, []string{"true the", "true the end"})
	assert.Equal(t, len(relay.pushed), 1)
}

func TestASaveThatBreaksIsALostNode(t *testing.T) {
	t.Parallel()
	for name, save := range map[string]func(http.ResponseWriter){
		"before an answer": hangUp,
		"in the stream": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			text("the end")(w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, e := runner(t), &engine{Save: save}
			r.Relay = &relayStandIn{}
			_, err := relayed(t, r, e, Wanted{Targets: tags("app:1")})
			assert.ErrorIs(t, isNodeError(t, err, "a", "push"), ErrNodeLost)
		})
	}
}

func TestWhatARelayCanNotPushIsNotPushed(t *testing.T) {
	t.Parallel()
	denied := errors.New("denied")
	r := runner(t)
	r.Relay = &relayStandIn{err: denied}
	res, err := relayed(t, r, &engine{Save: text("the end")}, Wanted{Targets: tags("app:1")})
	assert.ErrorIs(t, isNodeError(t, err, "a", "push"), denied)
	assert.Equal(t, len(res.Pushed), 0)
}

// A platform that was planned for a relay can come to a node that pushes itself.
func TestANodeThatPushesNeedsATag(t *testing.T) {
	t.Parallel()
	node := (&engine{}).start(t, "a", "x86_64")
	node.Relay = true
	p, err := NewPlan(contexts.Nodes{node}, Wanted{OS: "linux", Push: true, Targets: tags("app:1")})
	assert.NilError(t, err)
	node.Relay = false
	_, err = runner(t).Run(t.Context(), always(request(t)), p)
	assert.ErrorIs(t, isNodeError(t, err, "a", "build"), ErrNeedsTag)
}
