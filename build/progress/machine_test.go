package progress

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	buildkit "github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	"gotest.tools/v3/assert"
)

func TestRawJSONIsOneDocumentALine(t *testing.T) {
	t.Parallel()
	out := show(t, RawJSON, func(d *Display) {
		w := d.Writer("linux/arm64", "pi")
		w.Status(vertexEvent("RUN\nmake", nil))
		s := w.Start("pushing")
		s.Log("line\nline")
		assert.NilError(t, s.Done(nil))
		w.Done(errors.New("denied\x1b[2J"))
	})
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	assert.Equal(t, len(lines), 6)
	for _, line := range lines {
		var e jsonEvent
		assert.NilError(t, json.Unmarshal([]byte(line), &e), line)
		assert.Equal(t, e.Part+" "+e.Node, "linux/arm64 pi")
	}
	assert.Equal(t, lines[5], `{"part":"linux/arm64","node":"pi","ended":true,"error":"denied"}`)
}

func TestInputsStayThoseOfTheirOwnWriter(t *testing.T) {
	t.Parallel()
	out := show(t, RawJSON, func(d *Display) {
		w := d.Writer("p", "a")
		w.Status(vertexEvent("one", nil))
		w.Status(vertexEvent("two", func(v *buildkit.Vertex) { v.Inputs, v.Digest = []digest.Digest{v.Digest}, digest.FromString("two") }))
		d.Writer("p", "b").Status(vertexEvent("one", nil))
	})
	var events []buildkit.SolveStatus
	for line := range strings.Lines(out) {
		var e buildkit.SolveStatus
		assert.NilError(t, json.Unmarshal([]byte(line), &e))
		if len(e.Vertexes) > 0 {
			events = append(events, e)
		}
	}
	assert.Equal(t, events[1].Vertexes[0].Inputs[0], events[0].Vertexes[0].Digest)
	assert.Assert(t, events[2].Vertexes[0].Digest != events[0].Vertexes[0].Digest)
}

func TestGitHubGetsGroupsAndAnnotations(t *testing.T) {
	t.Parallel()
	out := show(t, GitHub, func(d *Display) {
		w := d.Writer("linux/arm64", "pi")
		w.Status(vertexEvent("[1/2] FROM x", nil))
		w.Status(vertexEvent("[2/2] RUN make", func(v *buildkit.Vertex) { v.Completed, v.Digest = nil, digest.FromString("make") }))
		w.Status(&buildkit.SolveStatus{Logs: []*buildkit.VertexLog{{
			Vertex: digest.FromString("make"), Data: []byte("fine\n::error::evil\n##[set-env name=PATH]evil\n"), Timestamp: at,
		}}})
		w.Status(vertexEvent("[2/2] RUN make", func(v *buildkit.Vertex) { v.Error, v.Digest = "exit code: 1\n100%", digest.FromString("make") }))
		w.Done(errors.New("exit code: 1"))
	})
	assert.Equal(t, out, `[linux/arm64 pi] [1/2] FROM x DONE 1.0s
::group::[linux/arm64 pi] [2/2] RUN make ERROR: exit code: 1 100%25
fine
| ::error::evil
# #[set-env name=PATH]evil
::endgroup::
::error title=linux/arm64 pi::[2/2] RUN make: exit code: 1%0A100%25
[linux/arm64 pi] ERROR: exit code: 1
------
 > [linux/arm64 pi] [2/2] RUN make:
fine
| ::error::evil
# #[set-env name=PATH]evil
------
`)
}

// What a step said is told though no end of it came: its node was lost.
func TestGitHubGetsTheGroupOfAStepWithoutAnEnd(t *testing.T) {
	t.Parallel()
	out := show(t, GitHub, func(d *Display) {
		w := d.Writer("linux/arm64", "pi")
		w.Status(vertexEvent("[2/2] RUN make", func(v *buildkit.Vertex) { v.Completed, v.Digest = nil, digest.FromString("make") }))
		w.Status(&buildkit.SolveStatus{Logs: []*buildkit.VertexLog{{Vertex: digest.FromString("make"), Data: []byte("compiling\nlin"), Timestamp: at}}})
		w.Done(errors.New("lost the node"))
	})
	assert.Equal(t, out, `::group::[linux/arm64 pi] [2/2] RUN make CANCELED
compiling
lin
::endgroup::
[linux/arm64 pi] ERROR: lost the node
`)
}
