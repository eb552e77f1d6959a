package progress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	buildkit "github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	"gotest.tools/v3/assert"
)

func TestEveryLineHasItsPartInFront(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{Plain, Auto} {
		out := show(t, mode, func(d *Display) {
			d.Writer("linux/amd64", "a").Status(vertexEvent("[1/2] FROM x", nil))
			w := d.Writer("linux/arm64", "b")
			w.Status(vertexEvent("[1/2] FROM x", func(v *buildkit.Vertex) { v.Cached = true }))
			w.Done(nil)
		})
		assert.Equal(t, out, `[linux/amd64 a] #1 [1/2] FROM x
[linux/amd64 a] #1 DONE 1.0s
[linux/arm64 b] #1 [1/2] FROM x
[linux/arm64 b] #1 CACHED
[linux/arm64 b] DONE 0.0s
`)
	}
}

// TestTwoNodesThatBuildTheSameStageAreTwo: they report the same digest, by which
// BuildKit tells vertices apart.
func TestTwoNodesThatBuildTheSameStageAreTwo(t *testing.T) {
	t.Parallel()
	out := show(t, Plain, func(d *Display) {
		a, b := d.Writer("p", "a"), d.Writer("p", "b")
		for _, w := range []*Writer{a, b} {
			w.Status(vertexEvent("RUN make", running))
		}
		a.Status(says("hello from a\n"))
		b.Status(says("hello from b\n"))
		a.Status(vertexEvent("RUN make", nil))
	})
	contains(t, out, "[p a] #1 RUN make", "[p b] #1 RUN make", "[p a] #1 0.000 hello from a", "[p b] #1 0.000 hello from b", "[p a] #1 DONE")
	assert.Assert(t, !strings.Contains(out, "[p b] #1 DONE"), out)
}

// TestLinesAreWhole: engines send output in pieces that end anywhere.
func TestLinesAreWhole(t *testing.T) {
	t.Parallel()
	out := show(t, Plain, func(d *Display) {
		a, b := d.Writer("p", "a"), d.Writer("p", "b")
		for _, w := range []*Writer{a, b} {
			w.Status(vertexEvent("RUN make", running))
		}
		for _, piece := range []string{"one ", "lin", "e, gr\xc3", "\xb6\xc3\x9fer \x1b[3", "1mred\x1b[0m\nno ", "end"} {
			a.Status(says(piece))
			b.Status(says("x\n"))
		}
		a.Status(vertexEvent("RUN make", nil))
	})
	contains(t, out, "[p a] #1 0.000 one line, größer red\n", "[p a] #1 0.000 no end\n[p a] #1 DONE")
	for _, line := range strings.Split(strings.TrimSuffix(out, "\n"), "\n") {
		assert.Assert(t, strings.HasPrefix(line, "[p a] ") || strings.HasPrefix(line, "[p b] "), out)
	}
}

func TestALineWithoutEndIsShownWhenThePartIsDone(t *testing.T) {
	t.Parallel()
	out := show(t, Plain, func(d *Display) {
		w := d.Writer("p", "a")
		w.Status(vertexEvent("RUN make", running))
		w.Status(says("Killed"))
		w.Done(errors.New("lost"))
	})
	contains(t, out, "[p a] #1 0.000 Killed\n[p a] ERROR: lost\n")
}

func TestAnEndlessLineIsBounded(t *testing.T) {
	t.Parallel()
	d, err := New(&bytes.Buffer{}, Options{Mode: Quiet})
	assert.NilError(t, err)
	w := d.Writer("p", "a")
	for range 100 {
		w.Status(says(strings.Repeat("x", 1000)))
		for _, open := range w.open {
			assert.Assert(t, len(open.Data) <= MaxLine)
		}
	}
	assert.NilError(t, d.Wait())
}

func TestAStepIsShownWithItsPartsItsWordsAndItsEnd(t *testing.T) {
	t.Parallel()
	out := show(t, Plain, func(d *Display) {
		s := d.Writer("p", "a").Start("pushing app:1")
		s.Part("layer 1", 0, 2000, false)
		s.Part("layer 1", 2000, 0, true)
		s.Part("layer 2", 5, 10, false)
		s.Log("almost there")
		assert.NilError(t, s.Done(nil))
	})
	contains(t, out, "[p a] #1 pushing app:1", "layer 1 2kB / 2kB", "layer 2 5B / 10B", "almost there", "#1 DONE")
}

func TestAStepThatMovesNoBytesIsDone(t *testing.T) {
	t.Parallel()
	out := show(t, Plain, func(d *Display) {
		s := d.Writer("p", "a").Start("exporting to image")
		s.Part("exporting layers", 0, 0, true)
		s.Part("layer", 6144, 35, true) // an engine may pass what it announced
		assert.NilError(t, s.Done(nil))
	})
	contains(t, out, "#1 exporting layers done\n", "#1 layer 6.144kB\n")
}

func TestInstructionsAreCountedWithThoseThatWereCached(t *testing.T) {
	t.Parallel()
	d, err := New(&bytes.Buffer{}, Options{Mode: Quiet})
	assert.NilError(t, err)
	w := d.Writer("p", "a")
	vertex := func(name string, change func(*buildkit.Vertex)) {
		w.Status(vertexEvent(name, func(v *buildkit.Vertex) { v.Digest = digest.FromString(name); change(v) }))
	}
	for _, name := range []string{"[internal] load build context", "[build 1/3] FROM x", "exporting to image"} {
		vertex(name, func(*buildkit.Vertex) {})
	}
	vertex("[build 2/3] RUN a", func(v *buildkit.Vertex) { v.Cached = true })
	vertex("[build 3/3] RUN b", running)
	vertex("[stage-1 1/2] COPY c /", running)
	vertex("[stage-1 1/2] COPY c /", func(*buildkit.Vertex) {})
	all, cached := w.Steps()
	assert.Equal(t, all, 2)
	assert.Equal(t, cached, 1)
	assert.NilError(t, d.Wait())
}

func TestAFailureIsShownWithItsLastLinesAtTheEnd(t *testing.T) {
	t.Parallel()
	out := show(t, Plain, func(d *Display) {
		w := d.Writer("p", "a")
		w.Status(vertexEvent("RUN false", running))
		for i := range 50 {
			w.Status(says(fmt.Sprintf("line %d\n", i)))
		}
		w.Status(vertexEvent("RUN false", func(v *buildkit.Vertex) { v.Error = "exit code: 1" }))
		b := d.Writer("p", "b")
		b.Status(vertexEvent("RUN false", func(v *buildkit.Vertex) { v.Error = "context canceled" }))
		b.Done(context.Canceled)
	})
	contains(t, out, "[p a] #1 ERROR: exit code: 1", "[p b] #1 CANCELED", "[p b] CANCELED")
	_, end, _ := strings.Cut(out, "------\n")
	assert.Assert(t, strings.HasPrefix(end, " > [p a] RUN false:\nline 30\nline 31\n"), end)
	assert.Assert(t, strings.HasSuffix(end, "line 49\n------\n"), end)
}

func TestAStepThatFailsIsShownAsFailed(t *testing.T) {
	t.Parallel()
	why := errors.New("denied\x1b[2J: no access")
	out := show(t, Plain, func(d *Display) {
		s := d.Writer("p", "a").Start("pushing app:1")
		s.Part("layer 1", 5, 10, false)
		assert.Equal(t, s.Done(why), why, "Done returns what it was given")
	})
	contains(t, out, "#1 ERROR: denied: no access")
	assert.Assert(t, !strings.Contains(out, "#1 DONE"))
}

// TestAPartThatWaitsMayGetAnotherNode: the one that was planned was busy.
func TestAPartThatWaitsMayGetAnotherNode(t *testing.T) {
	t.Parallel()
	out := show(t, Plain, func(d *Display) {
		w := d.Writer("linux/arm64", "a")
		w.On("b")
		w.Status(vertexEvent("RUN make", nil))
	})
	contains(t, out, "[linux/arm64 b] #1 RUN make")
	assert.Assert(t, !strings.Contains(out, "arm64 a"), out)
}

func TestQuietShowsNothing(t *testing.T) {
	t.Parallel()
	out := show(t, Quiet, func(d *Display) {
		w := d.Writer("p", "a")
		w.Status(vertexEvent("RUN make", nil))
		assert.ErrorContains(t, w.Start("pushing").Done(errors.New("denied")), "denied")
		w.Done(nil)
	})
	assert.Equal(t, out, "")
}

func TestTheEventsOfACallerAreLeftAlone(t *testing.T) {
	t.Parallel()
	event := vertexEvent("RUN make\x1b[2J", nil)
	show(t, Quiet, func(d *Display) { d.Writer("p", "a").Status(event) })
	assert.Equal(t, event.Vertexes[0].Name, "RUN make\x1b[2J")
	assert.Equal(t, event.Vertexes[0].Digest, same)
}

func TestManyWritersAtOnce(t *testing.T) {
	t.Parallel()
	out := show(t, Plain, func(d *Display) {
		var wg sync.WaitGroup
		for _, node := range []string{"a", "b", "c", "d"} {
			wg.Go(func() {
				w := d.Writer("p", node)
				for range 20 {
					w.Status(vertexEvent("RUN make", nil))
				}
				assert.Check(t, w.Start("pushing").Done(nil))
				w.Done(nil)
			})
		}
		wg.Wait()
	})
	contains(t, out, "[p a] #2 pushing", "[p b] #2 pushing", "[p c] #2 pushing", "[p d] #2 pushing")
}

func TestWaitReturnsWhenNothingWasShown(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{Auto, Plain, Quiet, RawJSON, GitHub} {
		assert.Equal(t, show(t, mode, func(*Display) {}), "", mode)
	}
}

// The session with an engine answers its requests in goroutines that nobody waits
// for: one of them may write when the build has ended.
func TestAWriterMayBeLate(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d, err := New(&out, Options{Mode: Plain})
	assert.NilError(t, err)
	w := d.Writer("p", "a")
	assert.NilError(t, d.Wait())
	before := out.String()

	assert.NilError(t, w.Start("[auth] the login is given").Done(nil))
	w.On("b")
	w.Done(nil)

	assert.Equal(t, out.String(), before)
}

// full is a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestAWriterIsNotHeldUpByAStreamThatIsBroken(t *testing.T) {
	t.Parallel()
	for _, mode := range []Mode{Plain, RawJSON, GitHub} {
		d, err := New(full{}, Options{Mode: mode})
		assert.NilError(t, err)
		w := d.Writer("p", "a")
		for range 100 {
			w.Status(vertexEvent("RUN make", nil))
		}
		assert.NilError(t, d.Wait())
	}
}

func TestTheTerminalModeNeedsATerminal(t *testing.T) {
	t.Parallel()
	_, err := New(&bytes.Buffer{}, Options{Mode: TTY})
	assert.ErrorContains(t, err, "tty")
	file, err := os.Create(t.TempDir() + "/log")
	assert.NilError(t, err)
	defer file.Close()
	_, err = New(file, Options{Mode: TTY})
	assert.ErrorContains(t, err, "tty")
}

func TestAutoOnAFileIsPlain(t *testing.T) {
	t.Parallel()
	file, err := os.Create(t.TempDir() + "/log")
	assert.NilError(t, err)
	defer file.Close()
	d, err := New(file, Options{Mode: Auto})
	assert.NilError(t, err)
	d.Writer("p", "a").Status(vertexEvent("RUN make", nil))
	assert.NilError(t, d.Wait())
	text, err := os.ReadFile(file.Name())
	assert.NilError(t, err)
	contains(t, string(text), "[p a] #1 RUN make")
	assert.Assert(t, !strings.Contains(string(text), "\x1b"))
}

func TestAnUnknownModeIsRefused(t *testing.T) {
	t.Parallel()
	_, err := New(&bytes.Buffer{}, Options{Mode: "fancy"})
	assert.ErrorContains(t, err, "fancy")
}

func TestEachPlatformHasALogOfItsOwn(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "logs")
	d, err := New(&bytes.Buffer{}, Options{Mode: Quiet, LogDir: dir})
	assert.NilError(t, err)
	for _, name := range []string{"linux/amd64", "linux/arm/v7", "windows(10.0.20348.1)/amd64"} {
		w := d.Writer(name, "node")
		w.Status(vertexEvent("RUN make", running))
		w.Status(says("this is " + name + "\n"))
		w.Done(nil)
	}
	assert.NilError(t, d.Wait())
	for file, name := range map[string]string{
		"linux_amd64.log": "linux/amd64", "linux_arm_v7.log": "linux/arm/v7", "windows_10.0.20348.1_amd64.log": "windows(10.0.20348.1)/amd64",
	} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		assert.NilError(t, err)
		contains(t, string(text), "["+name+" node] #1 RUN make", "this is "+name)
		assert.Equal(t, strings.Count(string(text), "this is"), 1)
	}
}

func TestALogThatCantBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	assert.NilError(t, os.WriteFile(file, nil, 0o600))
	_, err := New(&bytes.Buffer{}, Options{Mode: Quiet, LogDir: file})
	assert.ErrorContains(t, err, "--log-dir")

	dir := t.TempDir()
	assert.NilError(t, os.Mkdir(filepath.Join(dir, "linux_386.log"), 0o755))
	d, err := New(&bytes.Buffer{}, Options{Mode: Quiet, LogDir: dir})
	assert.NilError(t, err)
	d.Writer("linux/386", "a").Done(nil)
	assert.ErrorContains(t, d.Wait(), "--log-dir")
}
