package progress

import (
	"errors"
	"strings"
	"testing"

	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	"gotest.tools/v3/assert"
)

// hostile writes text wherever an event can have some.
func hostile(display *Display, text string) {
	d := digest.FromString("x")
	w := display.Writer(text, text)
	for _, group := range []*pb.ProgressGroup{nil, {Id: text, Name: text}} {
		w.Status(vertexEvent(text, func(v *buildkit.Vertex) { v.Error, v.ProgressGroup = text, group }))
	}
	w.Status(vertexEvent(text, func(v *buildkit.Vertex) { v.Digest, v.Completed = d, nil }))
	completed := at
	w.Status(&buildkit.SolveStatus{
		Statuses: []*buildkit.VertexStatus{{ID: text, Vertex: d, Name: text, Total: 9, Current: 9, Timestamp: at, Started: &completed, Completed: &completed}},
		Logs:     []*buildkit.VertexLog{{Vertex: d, Stream: 1, Data: []byte(text), Timestamp: at}, {Vertex: d, Stream: 1, Data: []byte(text + "\n"), Timestamp: at}},
		Warnings: []*buildkit.VertexWarning{{
			Vertex: d, Level: 1, Short: []byte(text), Detail: [][]byte{[]byte(text)}, URL: text,
			SourceInfo: &pb.SourceInfo{Filename: text, Data: []byte(text), Language: text},
		}},
	})
	w.Status(vertexEvent(text, func(v *buildkit.Vertex) { v.Digest, v.Error = d, text }))
	step := w.Start(text)
	step.Part(text, 1, 2, false)
	step.Log(text)
	_ = step.Done(errors.New(text))
	w.Done(errors.New(text))
}

// lineModes are the modes that write no escape sequence of their own.
var lineModes = []Mode{Plain, RawJSON, GitHub}

// TestWhatANodeSaysReachesNoTerminalUncleaned sends an escape sequence in every
// text that an event can have.
func TestWhatANodeSaysReachesNoTerminalUncleaned(t *testing.T) {
	t.Parallel()
	for _, mode := range lineModes {
		out := show(t, mode, func(d *Display) { hostile(d, "evil\x1b[2J\x1b]0;x\x07\u202e\r#9 DONE") })
		contains(t, out, "evil")
		for _, text := range []string{"\x1b", `\u001b`, "\u202e", "\r", `\r`} {
			assert.Assert(t, !strings.Contains(out, text), "%s: %q", mode, out)
		}
	}
}

// TestANameIsOneLine: a second one could look like the end of another step.
func TestANameIsOneLine(t *testing.T) {
	t.Parallel()
	out := show(t, Plain, func(d *Display) {
		d.Writer("p", "a").Status(vertexEvent("RUN x\n#7 DONE 0.0s", nil))
	})
	for line := range strings.Lines(out) {
		assert.Assert(t, strings.HasPrefix(line, "[p a] #1 "), out)
	}
}

// FuzzDisplays: no text makes any display write more than text.
func FuzzDisplays(f *testing.F) {
	for _, seed := range []string{"text", "\x1b[31mred", "\x1b]0;t\x07", "::error::x", "##[error]x", "a\r\nb\rc", "\u202e\u009b2J", "\xff\xc3", "[2/5] RUN x", "日本\t\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, mode := range lineModes {
			out := show(t, mode, func(d *Display) { hostile(d, text) })
			checkClean(t, text, out)
			if mode == GitHub {
				assert.Assert(t, !strings.Contains(out, "##["), "%q", out)
				for line := range strings.Lines(out) {
					ours := !strings.HasPrefix(strings.TrimSpace(line), "::") || strings.HasPrefix(line, "::group::[") ||
						strings.HasPrefix(line, "::error title=") || line == "::endgroup::\n"
					assert.Assert(t, ours, "%q", line)
				}
			}
		}
		s := newFakeScreen(12, 40)
		d := &Display{events: make(chan event), waits: make(chan struct{}), done: make(chan struct{}), views: []view{newTerminal(s, true)}}
		go d.run()
		hostile(d, text)
		assert.NilError(t, d.Wait())
		checkClean(t, text, ours.Replace(s.raw.String()))
	})
}
