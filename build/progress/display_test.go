package progress

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/progress/progressui"
	"github.com/opencontainers/go-digest"
	"go.uber.org/goleak"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// vertex is an event of BuildKit: a vertex that began and, unless it is still
// running, ended.
func vertex(name string, change func(*buildkit.Vertex)) *buildkit.SolveStatus {
	started, completed := at, at.Add(time.Second)
	v := &buildkit.Vertex{Digest: digest.FromString("same for all"), Name: name, Started: &started, Completed: &completed}
	if change != nil {
		change(v)
	}
	return &buildkit.SolveStatus{Vertexes: []*buildkit.Vertex{v}}
}

// show gives what a display in a mode shows of what f writes.
func show(t *testing.T, mode Mode, f func(*Display)) string {
	t.Helper()
	var out bytes.Buffer
	d, err := New(&out, mode)
	assert.NilError(t, err)
	f(d)
	d.Wait()
	return out.String()
}

func contains(t *testing.T, out string, all ...string) {
	t.Helper()
	for _, text := range all {
		assert.Assert(t, strings.Contains(out, text), "%q is not in\n%s", text, out)
	}
}

func TestEveryNameHasItsPlatformInFront(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{progressui.PlainMode, progressui.AutoMode} {
		out := show(t, mode, func(d *Display) {
			d.Writer("linux/amd64 a").Status(vertex("[1/2] FROM x", nil))
			d.Writer("linux/arm64 b").Status(vertex("[1/2] FROM x", nil))
		})
		contains(t, out, "[linux/amd64 a] [1/2] FROM x", "[linux/arm64 b] [1/2] FROM x")
	}
}

// TestTwoNodesThatBuildTheSameStageAreTwo: they report the same digest, by which
// the display tells vertices apart.
func TestTwoNodesThatBuildTheSameStageAreTwo(t *testing.T) {
	t.Parallel()
	out := show(t, progressui.PlainMode, func(d *Display) {
		for _, label := range []string{"a", "b"} {
			w := d.Writer(label)
			w.Status(vertex("RUN make", func(v *buildkit.Vertex) { v.Completed = nil }))
			w.Status(&buildkit.SolveStatus{Logs: []*buildkit.VertexLog{{Vertex: digest.FromString("same for all"), Stream: 1, Data: []byte("hello from " + label + "\n"), Timestamp: at}}})
			w.Status(vertex("RUN make", nil))
		}
	})
	contains(t, out, "#1 [a] RUN make", "#2 [b] RUN make", "#1 0.000 hello from a", "#2 0.000 hello from b", "#1 DONE", "#2 DONE")
}

func TestInputsStayThoseOfTheirOwnWriter(t *testing.T) {
	t.Parallel()
	out := show(t, progressui.RawJSONMode, func(d *Display) {
		w := d.Writer("a")
		w.Status(vertex("one", nil))
		w.Status(vertex("two", func(v *buildkit.Vertex) { v.Inputs, v.Digest = []digest.Digest{v.Digest}, digest.FromString("two") }))
	})
	var first, second buildkit.SolveStatus
	one, two, _ := strings.Cut(out, "\n")
	assert.NilError(t, json.Unmarshal([]byte(one), &first))
	assert.NilError(t, json.Unmarshal([]byte(two), &second))
	assert.Equal(t, second.Vertexes[0].Inputs[0], first.Vertexes[0].Digest)
}

func TestAStepIsShownWithItsPartsItsWordsAndItsEnd(t *testing.T) {
	t.Parallel()
	out := show(t, progressui.PlainMode, func(d *Display) {
		s := d.Writer("a").Start("pushing app:1")
		s.Part("layer 1", 0, 2000, false)
		s.Part("layer 1", 2000, 0, true)
		s.Part("layer 2", 5, 10, false)
		s.Log("almost there")
		assert.NilError(t, s.Done(nil))
	})
	contains(t, out, "#1 [a] pushing app:1", "layer 1 2.00kB / 2.00kB done", "layer 2", "almost there", "#1 DONE")
}

func TestAStepThatFailsIsShownAsFailed(t *testing.T) {
	t.Parallel()
	why := errors.New("denied\x1b[2J: no access")
	out := show(t, progressui.PlainMode, func(d *Display) {
		s := d.Writer("a").Start("pushing app:1")
		s.Part("layer 1", 5, 10, false)
		assert.Equal(t, s.Done(why), why, "Done returns what it was given")
	})
	contains(t, out, "#1 ERROR: denied: no access")
	assert.Assert(t, !strings.Contains(out, "#1 DONE"))
}

func TestTwoStepsOfOneNameAreTwo(t *testing.T) {
	t.Parallel()
	out := show(t, progressui.PlainMode, func(d *Display) {
		for _, label := range []string{"a", "b"} {
			assert.NilError(t, d.Writer(label).Start("pushing").Done(nil))
		}
	})
	contains(t, out, "#1 [a] pushing", "#2 [b] pushing")
}

func TestAFailedVertexIsShownWithItsError(t *testing.T) {
	t.Parallel()
	out := show(t, progressui.PlainMode, func(d *Display) {
		d.Writer("a").Status(vertex("RUN false", func(v *buildkit.Vertex) { v.Error = "exit code: 1" }))
	})
	contains(t, out, "[a] RUN false", "ERROR: exit code: 1")
}

func TestQuietShowsNothing(t *testing.T) {
	t.Parallel()
	out := show(t, Quiet, func(d *Display) {
		w := d.Writer("a")
		w.Status(vertex("RUN make", nil))
		assert.ErrorContains(t, w.Start("pushing").Done(errors.New("denied")), "denied")
	})
	assert.Equal(t, out, "")
}

func TestRawJSONIsOneDocumentALine(t *testing.T) {
	t.Parallel()
	out := show(t, progressui.RawJSONMode, func(d *Display) {
		w := d.Writer("a")
		w.Status(vertex("RUN\nmake", nil))
		s := w.Start("pushing")
		s.Log("line\nline")
		assert.NilError(t, s.Done(nil))
	})
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	assert.Equal(t, len(lines), 4)
	for _, line := range lines {
		var status buildkit.SolveStatus
		assert.NilError(t, json.Unmarshal([]byte(line), &status), line)
		assert.Equal(t, len(status.Vertexes), 1, line)
	}
}

// TestWhatANodeSaysReachesNoTerminalUncleaned sends an escape sequence in every
// text that an event can have.
func TestWhatANodeSaysReachesNoTerminalUncleaned(t *testing.T) {
	t.Parallel()
	const evil = "evil\x1b[2J\x1b]0;x\x07\u202e\r#9 DONE"
	d := digest.FromString("x")
	for _, mode := range []Mode{progressui.PlainMode, progressui.RawJSONMode} {
		out := show(t, mode, func(display *Display) {
			w := display.Writer("a")
			for _, group := range []*pb.ProgressGroup{nil, {Id: evil, Name: evil}} {
				w.Status(vertex(evil, func(v *buildkit.Vertex) { v.Error, v.ProgressGroup = evil, group }))
			}
			w.Status(vertex(evil, func(v *buildkit.Vertex) { v.Digest, v.Completed = d, nil }))
			completed := at
			w.Status(&buildkit.SolveStatus{
				Statuses: []*buildkit.VertexStatus{{ID: evil, Vertex: d, Name: evil, Total: 9, Current: 9, Timestamp: at, Started: &completed, Completed: &completed}},
				Logs:     []*buildkit.VertexLog{{Vertex: d, Stream: 1, Data: []byte(evil + "\n"), Timestamp: at}},
				Warnings: []*buildkit.VertexWarning{{
					Vertex: d, Level: 1, Short: []byte(evil), Detail: [][]byte{[]byte(evil)}, URL: evil,
					SourceInfo: &pb.SourceInfo{Filename: evil, Data: []byte(evil), Language: evil},
				}},
			})
			w.Status(vertex(evil, func(v *buildkit.Vertex) { v.Digest = d }))
		})
		contains(t, out, "evil")
		for _, text := range []string{"\x1b", `\u001b`, "\u202e", "\r", `\r`} {
			assert.Assert(t, !strings.Contains(out, text), "%s: %q", mode, out)
		}
	}
}

// TestANameIsOneLine: a second one could look like the end of another step.
func TestANameIsOneLine(t *testing.T) {
	t.Parallel()
	out := show(t, progressui.PlainMode, func(d *Display) {
		d.Writer("a").Status(vertex("RUN x\n#7 DONE 0.0s", nil))
	})
	for _, line := range strings.Split(out, "\n") {
		assert.Assert(t, !strings.HasPrefix(line, "#7"), out)
	}
}

func TestTheEventsOfACallerAreLeftAlone(t *testing.T) {
	t.Parallel()
	event := vertex("RUN make\x1b[2J", nil)
	show(t, Quiet, func(d *Display) { d.Writer("a").Status(event) })
	assert.Equal(t, event.Vertexes[0].Name, "RUN make\x1b[2J")
	assert.Equal(t, event.Vertexes[0].Digest, digest.FromString("same for all"))
}

func TestManyWritersAtOnce(t *testing.T) {
	t.Parallel()
	out := show(t, progressui.PlainMode, func(d *Display) {
		var wg sync.WaitGroup
		for _, label := range []string{"a", "b", "c", "d"} {
			wg.Go(func() {
				w := d.Writer(label)
				for range 20 {
					w.Status(vertex("RUN make", nil))
				}
				assert.Check(t, w.Start("pushing").Done(nil))
			})
		}
		wg.Wait()
	})
	contains(t, out, "[a] pushing", "[b] pushing", "[c] pushing", "[d] pushing")
}

func TestWaitReturnsWhenNothingWasShown(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{progressui.AutoMode, progressui.PlainMode, Quiet, progressui.RawJSONMode} {
		assert.Equal(t, show(t, mode, func(*Display) {}), "", mode)
	}
}

// full is a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestAWriterIsNotHeldUpByAStreamThatIsBroken(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{progressui.PlainMode, progressui.RawJSONMode} {
		d, err := New(full{}, mode)
		assert.NilError(t, err)
		w := d.Writer("a")
		for range 100 {
			w.Status(vertex("RUN make", nil))
		}
		d.Wait()
	}
}

func TestTheTerminalModeNeedsATerminal(t *testing.T) {
	t.Parallel()
	_, err := New(&bytes.Buffer{}, progressui.TtyMode)
	assert.ErrorContains(t, err, "tty")
	file, err := os.Create(t.TempDir() + "/log")
	assert.NilError(t, err)
	defer file.Close()
	_, err = New(file, progressui.TtyMode)
	assert.ErrorContains(t, err, "tty")
}

func TestAutoOnAFileIsPlain(t *testing.T) {
	t.Parallel()
	file, err := os.Create(t.TempDir() + "/log")
	assert.NilError(t, err)
	defer file.Close()
	d, err := New(file, progressui.AutoMode)
	assert.NilError(t, err)
	d.Writer("a").Status(vertex("RUN make", nil))
	d.Wait()
	text, err := os.ReadFile(file.Name())
	assert.NilError(t, err)
	contains(t, string(text), "[a] RUN make")
	assert.Assert(t, !strings.Contains(string(text), "\x1b"))
}

func TestAnUnknownModeIsRefused(t *testing.T) {
	t.Parallel()
	_, err := New(&bytes.Buffer{}, "fancy")
	assert.ErrorContains(t, err, "fancy")
}
