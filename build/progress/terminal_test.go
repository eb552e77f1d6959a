package progress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/containerd/console"
	buildkit "github.com/moby/buildkit/client"
	"github.com/morikuni/aec"
	"github.com/opencontainers/go-digest"
	"github.com/tonistiigi/vt100"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"
)

// fakeScreen is a terminal that understands what is drawn on it.
type fakeScreen struct {
	*vt100.VT100
	raw           bytes.Buffer
	height, width int
	writes        int
}

func newFakeScreen(height, width int) *fakeScreen {
	return &fakeScreen{VT100: vt100.NewVT100(height, width), height: height, width: width}
}

func (s *fakeScreen) Write(p []byte) (int, error) {
	s.writes++
	s.raw.Write(p)
	// A terminal turns \n into \r\n; this one does it itself.
	return s.VT100.Write(p)
}

func (s *fakeScreen) Size() (console.WinSize, error) {
	return console.WinSize{Height: uint16(s.height), Width: uint16(s.width)}, nil
}

func (s *fakeScreen) resize(height, width int) {
	s.height, s.width = height, width
	s.Resize(height, width)
}

// text is what is to be seen.
func (s *fakeScreen) text() string {
	var b strings.Builder
	for _, row := range s.Content {
		b.WriteString(strings.TrimRight(string(row), " \x00") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// ours are the sequences that the terminal view itself writes.
var ours = strings.NewReplacer(
	aec.Hide.String(), "", aec.Show.String(), "", aec.EraseLine(aec.EraseModes.Tail).String(), "", aec.EraseDisplay(aec.EraseModes.Tail).String(), "",
	aec.BlueF.String(), "", aec.RedF.String(), "", aec.YellowF.String(), "", aec.Faint.String(), "", aec.Reset, "", "\r", "",
	aec.Up(1).String(), "", aec.Up(2).String(), "", aec.Up(3).String(), "", aec.Up(4).String(), "", aec.Up(5).String(), "", aec.Up(6).String(), "",
)

// stage has a part in every state that there is.
func stage(t *terminal) {
	begun := time.Duration(0)
	part := func(name, node string, events ...event) {
		p := newPart(name)
		for _, e := range append([]event{{node: node, status: &buildkit.SolveStatus{}}}, events...) {
			e.part = p
			if e.status == nil {
				e.status = &buildkit.SolveStatus{}
			}
			begun += 100 * time.Millisecond
			t.show(e, p.take(e, at.Add(begun)))
		}
	}
	begin := func(name string) event { return event{status: vertexEvent(name, running)} }
	part("linux/amd64", "laptop", begin("[build 2/5] RUN go build -trimpath -o /out/ ./... && strip /out/*"),
		event{status: says("one\ntwo\nthree\nfour\n\tfive: größer 日本語 " + strings.Repeat("long ", 30) + "\n")})
	part("linux/arm64", "graviton", begin("pushing registry.example.com/app:1-linux-arm64"), event{status: &buildkit.SolveStatus{Statuses: []*buildkit.VertexStatus{
		{ID: "layer 1", Vertex: same, Current: 3e6, Total: 9e6}, {ID: "layer 2", Vertex: same, Current: 1e6, Total: 1e6},
	}}})
	part("linux/arm/v7", "pi", begin("[internal] load build context"), event{status: &buildkit.SolveStatus{Statuses: []*buildkit.VertexStatus{{ID: "transferring context:", Vertex: same, Current: 12e6}}}})
	part("linux/386", "old", event{status: vertexEvent("exporting to image", nil)}, event{ended: true})
	part("linux/s390x", "mainframe", event{status: vertexEvent("[2/2] RUN make", func(v *buildkit.Vertex) { v.Error = "exit code: 2" })},
		event{ended: true, err: errors.New("process \"/bin/sh -c make\" did not complete successfully: exit code: 2")})
	part("linux/riscv64", "board", event{status: vertexEvent("[2/2] RUN make", func(v *buildkit.Vertex) { v.Error = "context canceled" })}, event{ended: true, err: context.Canceled})
	part("manifest list", "")
}

func TestTerminalAtSeveralSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []struct{ height, width int }{{24, 80}, {50, 300}, {24, 40}, {12, 80}, {6, 80}, {3, 10}} {
		name := fmt.Sprintf("%dx%d", size.width, size.height)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFakeScreen(size.height, size.width)
			term := newTerminal(s, false)
			term.begun = at
			stage(term)
			for i := range 3 {
				term.draw(at.Add(time.Duration(3+i) * time.Second))
			}
			assert.Equal(t, s.writes, 3, "a drawing is one write")
			golden.Assert(t, s.text(), "terminal-"+name+".golden")
		})
	}
}

// TestTerminalNeverWritesBelowItself: whatever stood above stays.
func TestTerminalKeepsWhatStoodAbove(t *testing.T) {
	t.Parallel()
	s := newFakeScreen(10, 80)
	fmt.Fprint(s, "PLATFORM   NODE\n")
	term := newTerminal(s, false)
	stage(term)
	for i := range 20 {
		term.draw(at.Add(time.Duration(i) * time.Second))
	}
	assert.Assert(t, strings.HasPrefix(s.text(), "PLATFORM   NODE\n[+] Building"), s.text())
	assert.Equal(t, strings.Count(s.text(), "[+] Building"), 1, s.text())
}

// TestTerminalThatGrows: a wider and higher one shows more at once.
func TestTerminalThatGrows(t *testing.T) {
	t.Parallel()
	s := newFakeScreen(12, 60)
	term := newTerminal(s, false)
	term.begun = at
	stage(term)
	term.draw(at.Add(time.Second))
	s.resize(24, 80)
	term.draw(at.Add(5 * time.Second))
	want, err := newFakeScreen(24, 80), error(nil)
	assert.NilError(t, err)
	fresh := newTerminal(want, false)
	fresh.begun = at
	stage(fresh)
	fresh.draw(at.Add(5 * time.Second))
	assert.Equal(t, s.text(), want.text())
}

// TestTerminalThatShrinks: it broke the lines that became too long in two, which
// have to be drawn over as well.
func TestTerminalThatShrinks(t *testing.T) {
	t.Parallel()
	s := newFakeScreen(24, 80)
	term := newTerminal(s, false)
	stage(term)
	term.draw(at)
	up := 0
	for _, width := range term.drawn {
		up += (width + 39) / 40
	}
	s.resize(24, 40)
	s.raw.Reset()
	term.draw(at)
	contains(t, s.raw.String(), fmt.Sprintf("\x1b[%dA", up))
}

func TestTerminalEndsAsItWasFound(t *testing.T) {
	t.Parallel()
	s := newFakeScreen(12, 80)
	term := newTerminal(s, true)
	stage(term)
	term.draw(at)
	contains(t, s.raw.String(), "\x1b[34m", "\x1b[31m", "\x1b[33m")
	assert.Assert(t, strings.HasSuffix(s.raw.String(), aec.Show.String()), "between two drawings the cursor is hidden")
	assert.Equal(t, strings.Count(s.raw.String(), "\x1b[3"), strings.Count(s.raw.String(), "\x1b[0m")-strings.Count(s.raw.String(), "\x1b[2m"))
	assert.NilError(t, term.close(at))
	contains(t, s.text(), " => linux/s390x", "failed", "------\n > [linux/s390x mainframe] [2/2] RUN make:")
	assert.Assert(t, !strings.Contains(s.text(), "waiting"), "what never began is over")
}

func TestPhases(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"[2/5] RUN make":                              "step 2/5|RUN make",
		"[build 12/15] COPY . /":                      "step 12/15|build COPY . /",
		"[internal] load build context":               "context|",
		"[internal] load metadata for docker.io/x":    "load|load metadata for docker.io/x",
		"[auth] library/x:pull token for example.com": "load|library/x:pull token for example.com",
		"exporting to image":                          "export|to image",
		"pushing app:1":                               "push|app:1",
		"publishing app:1":                            "publish|app:1",
		"something else":                              "run|something else",
	} {
		phase, text := (&vertex{name: name}).phase()
		assert.Equal(t, phase+"|"+text, want)
	}
}

func TestTheStepThatRunsIsShown(t *testing.T) {
	t.Parallel()
	p := newPart("p")
	for i, name := range []string{"[1/3] FROM x", "[2/3] RUN a", "[3/3] RUN b"} {
		p.take(event{status: vertexEvent(name, func(v *buildkit.Vertex) {
			v.Digest = digest.FromString(name)
			if i == 1 {
				v.Completed = nil
			}
		})}, at)
	}
	assert.Equal(t, p.current().name, "[2/3] RUN a")
}
