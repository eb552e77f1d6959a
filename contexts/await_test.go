package contexts

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/moby/moby/api/types/system"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

var arm64 = []ocispec.Platform{{OS: "linux", Architecture: "arm64"}}

// starting is a node whose engine refuses a few times before it answers.
func starting(t *testing.T, refusals int32, info system.Info) *Node {
	t.Helper()
	e := engine{Info: info}
	var asked atomic.Int32
	e.AskInfo = func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= refusals {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		engine{Info: info}.serve(t, w, r)
	}
	n := load(t, newStore(t, "", "", map[string]string{"arm": e.start(t)}), "arm")[0]
	n.Asleep, n.Declares = true, arm64
	return n
}

func TestAwait(t *testing.T) {
	t.Parallel()
	n := starting(t, 2, linux("1", "aarch64"))
	awake, err := n.Await(t.Context(), time.Minute)
	assert.NilError(t, err)
	assert.Assert(t, awake.Usable() && !awake.Asleep)
	assert.Equal(t, awake.Engine.Platform.Architecture, "arm64")
	assert.Assert(t, n.Asleep && !n.Usable(), "the node itself stays as it is")
}

// The user's word on the builder holds for a node that slept too.
func TestAwaitKeepsTheBuilderThatTheUserWants(t *testing.T) {
	t.Parallel()
	n := starting(t, 0, linux("1", "aarch64"))
	n.Builder = Classic
	awake, err := n.Await(t.Context(), time.Minute)
	assert.NilError(t, err)
	assert.Equal(t, awake.Engine.Builder, Classic)
}

func TestAwaitEnds(t *testing.T) {
	t.Parallel()
	_, err := starting(t, 1000, linux("1", "aarch64")).Await(t.Context(), 500*time.Millisecond)
	assert.ErrorIs(t, err, ErrNoAnswer)
	assert.ErrorContains(t, err, "starting")
}

// The engine has the last word on what it is.
func TestAwaitChecksThePlatform(t *testing.T) {
	t.Parallel()
	_, err := starting(t, 0, linux("1", "x86_64")).Await(t.Context(), time.Minute)
	assert.ErrorIs(t, err, ErrNotDeclared)
	assert.ErrorContains(t, err, "linux/amd64")
}

func TestMatchAsleep(t *testing.T) {
	t.Parallel()
	n := &Node{Asleep: true, Declares: arm64}
	assert.Equal(t, n.Match(arm64[0]), Native)
	assert.Equal(t, n.Match(ocispec.Platform{OS: "linux", Architecture: "amd64"}), NoMatch)
}

func TestSleeps(t *testing.T) {
	t.Parallel()
	client := starting(t, 0, linux("1", "aarch64")).client
	for err, want := range map[error]bool{
		nil: false, ErrNoAnswer: true, ErrNotAwaited: false, ErrSameEngine: false,
		&SSHError{Kind: ErrSSHHostKeyChanged}: false, &SSHError{Kind: ErrSSH}: true,
	} {
		assert.Equal(t, (&Node{Err: err, client: client}).Sleeps(), want, "%v", err)
	}
	assert.Assert(t, !(&Node{Err: ErrNoAnswer}).Sleeps(), "a context that can't be used")
}
