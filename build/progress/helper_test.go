package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"

	buildkit "github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	"go.uber.org/goleak"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// same is the digest that every node reports for the same stage.
var same = digest.FromString("same for all")

// vertexEvent is an event of BuildKit: a vertex that began and, unless it is still
// running, ended.
func vertexEvent(name string, change func(*buildkit.Vertex)) *buildkit.SolveStatus {
	started, completed := at, at.Add(time.Second)
	v := &buildkit.Vertex{Digest: same, Name: name, Started: &started, Completed: &completed}
	if change != nil {
		change(v)
	}
	return &buildkit.SolveStatus{Vertexes: []*buildkit.Vertex{v}}
}

// running is a vertex that has not ended.
func running(v *buildkit.Vertex) { v.Completed = nil }

// says is an event of BuildKit: a piece of output.
func says(text string) *buildkit.SolveStatus {
	return &buildkit.SolveStatus{Logs: []*buildkit.VertexLog{{Vertex: same, Stream: 1, Data: []byte(text), Timestamp: at}}}
}

// show gives what a display in a mode shows of what f writes.
func show(t *testing.T, mode Mode, f func(*Display)) string {
	t.Helper()
	var out bytes.Buffer
	d, err := New(&out, Options{Mode: mode})
	assert.NilError(t, err)
	f(d)
	assert.NilError(t, d.Wait())
	return out.String()
}

func contains(t *testing.T, out string, all ...string) {
	t.Helper()
	for _, text := range all {
		assert.Assert(t, strings.Contains(out, text), "%q is not in\n%s", text, out)
	}
}
