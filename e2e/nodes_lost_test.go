//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"
)

// Not parallel to other tests: engines and ssh go down. Each of these has engines of its own to bring down, so they need not wait
// for each other.
func TestNodeTrouble(t *testing.T) { // its parts run at once, but nothing else may
	for name, test := range map[string]func(t *testing.T){
		"engine stops": testStoppedEngine, // modern
		"engine dies":  testDyingEngine,   // trixie
		"ssh":          testSSH,           // ssh, and with it the way to i386
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// sleepsOn tells whether `sleep MARK` runs in a container of the engine.
func sleepsOn(mark string, e engine) bool {
	pids, lines := processes(mark)
	for i, pid := range pids {
		cgroup, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))
		if err == nil && strings.TrimSpace(lines[i]) == "sleep "+mark && strings.Contains(string(cgroup), "/"+string(e)+"/") {
			return true
		}
	}
	return false
}

// waitForMove waits until a RUN has come to its `sleep MARK` on the engine.
func waitForMove(t *testing.T, mark string, to engine) {
	t.Helper()
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if sleepsOn(mark, to) {
			return poll.Success()
		}
		return poll.Continue("nothing sleeps for %s on %s", mark, to)
	}, poll.WithTimeout(70*time.Second), poll.WithDelay(20*time.Millisecond))
}

// cutPower ends the engine with all its containers at once, as `scripts/farm kill` does, which may have to wait for other farms'
// commands. It runs again when the test ends.
func (e engine) cutPower(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { e.start(t) })
	text, err := os.ReadFile(filepath.Join(farm.root, "engines", string(e), "pid"))
	assert.NilError(t, err)
	pid, err := strconv.Atoi(strings.Fields(string(text))[0])
	assert.NilError(t, err)
	signal(t, pid, syscall.SIGKILL)
	waitForExit(t, pid)
}

// trouble is a build for two platforms with two nodes for one of them, the first of which is going to be lost.
type trouble struct {
	*scene

	lost     string
	metadata string
}

func newTrouble(t *testing.T, lost string) trouble {
	t.Helper()
	return trouble{newNodeScene(t, lost, "amd64", "i386"), lost, filepath.Join(t.TempDir(), "metadata.json")}
}

func (x trouble) start(dir string) *process {
	x.t.Helper()
	return x.startPush("--platform", "linux/amd64,linux/386", "--metadata-file", x.metadata, dir)
}

// moved asserts that the build was finished by the other node, and that it says so.
func (x trouble) moved(r result, says ...string) {
	x.t.Helper()
	image := published(x.t, openRegistry(), x.repo, tag, bothPlatforms())
	assert.Equal(x.t, image.Digest, digestOf(x.t, r.succeeded(), x.ref()))
	assert.Equal(x.t, x.front.TagPuts(x.repo, tag), 1)
	assert.Equal(x.t, engine("amd64").image(x.t, x.ref()+"-linux-amd64"), image.Children[1].ConfigDigest)
	r.says(append(says, "Moved to amd64: linux/amd64 on "+x.lost+": ")...)
	var m struct {
		Platforms map[string]struct {
			Node string
			Lost []string
		} `json:"multiarch.platforms"`
	}
	text, err := os.ReadFile(x.metadata)
	assert.NilError(x.t, err)
	assert.NilError(x.t, json.Unmarshal(text, &m))
	lost := m.Platforms["linux/amd64"].Lost
	assert.Assert(x.t, len(lost) == 1 && strings.HasPrefix(lost[0], "linux/amd64 on "+x.lost+": "), "%q", lost)
	assert.Equal(x.t, m.Platforms["linux/amd64"].Node, "amd64")
	assert.Equal(x.t, m.Platforms["linux/386"].Node, "i386")
	assert.Equal(x.t, len(m.Platforms["linux/386"].Lost), 0, "the other platform was disturbed")
}

// An engine that was stopped answers nothing, while the kernel goes on taking connections for it.
func testStoppedEngine(t *testing.T) {
	x, mark := newTrouble(t, "modern"), newMark()
	p := x.start(x.dir("RUN " + onEach("sleep "+mark+"; true", "true")))
	waitForMove(t, mark, modern)
	pid := modern.pid(t)
	t.Cleanup(func() { signal(t, pid, syscall.SIGCONT) })

	signal(t, pid, syscall.SIGSTOP)

	stopped := time.Now()
	waitForMove(t, mark, "amd64")
	noticed := time.Since(stopped)
	assert.Check(t, noticed < 60*time.Second, "it took %s to notice", noticed)
	signal(t, pid, syscall.SIGCONT)
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if sleepsOn(mark, modern) {
			return poll.Continue("the lost engine still builds")
		}
		return poll.Success()
	}, poll.WithTimeout(patience))
	endSleep(t, mark)
	x.moved(p.wait(), "no answer for")
}

// An engine dies, containers and all, in each phase of a build.
func testDyingEngine(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		x := newTrouble(t, "trixie")
		trixie.cutPower(t)
		r := x.start(x.dir("RUN true")).wait().succeeded().says("Not used: trixie: ")
		assert.Equal(t, published(t, openRegistry(), x.repo, tag, bothPlatforms()).Digest, digestOf(t, r, x.ref()))
	})
	t.Run("while files are sent", dieWhileSending)
	t.Run("during RUN", func(t *testing.T) {
		x, mark := newTrouble(t, "trixie"), newMark()
		p := x.start(x.dir("RUN " + onEach("sleep "+mark+"; true", "true")))
		waitForMove(t, mark, trixie)
		trixie.cutPower(t)
		waitForMove(t, mark, "amd64")
		endSleep(t, mark)
		trixie.start(t)
		x.moved(p.wait(), "trixie: build: lost the node")
	})
	t.Run("during push", dieWhilePushing)
}

// dieWhileSending holds the client still in the middle of a large file, so that the engine's end falls there for certain.
func dieWhileSending(t *testing.T) {
	const size = 128 << 20
	x, name := newTrouble(t, "trixie"), "big-"+newMark()
	dir := x.dir("RUN --mount=type=bind,target=/ctx test -s /ctx/" + name + " && uname -m > /machine")
	files{name: ""}.write(t, dir)
	assert.NilError(t, os.Truncate(filepath.Join(dir, name), size)) // Of zeros, which take no place here.
	received := func() int64 {
		found, _ := filepath.Glob(filepath.Join(farm.root, "engines/trixie/data/overlay2/*/diff", name))
		for _, path := range found {
			if info, err := os.Stat(path); err == nil {
				return info.Size()
			}
		}
		return 0
	}
	p := x.start(dir)
	var pid int
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if received() == 0 {
			return poll.Continue("nothing has arrived")
		}
		pid = pluginOf(t, p)
		signal(t, pid, syscall.SIGSTOP)
		return poll.Success()
	}, poll.WithTimeout(patience), poll.WithDelay(time.Millisecond))
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	assert.Assert(t, received() < size, "the file was sent before its sending could be disturbed")

	trixie.cutPower(t)

	signal(t, pid, syscall.SIGCONT)
	r := p.wait()
	trixie.start(t)
	x.moved(r, "trixie: build: lost the node")
}

// dieWhilePushing has the registry keep the engine waiting in the middle of its push.
func dieWhilePushing(t *testing.T) {
	x := newTrouble(t, "trixie")
	// 26.1 is the engine that is going to die; the others pass.
	ofTrixie := times(1, func(r *http.Request) bool {
		return r.Method == http.MethodPatch && strings.HasPrefix(r.UserAgent(), "docker/26.1.")
	})
	asked := make(chan struct{})
	x.front.breakWith(func(_ http.ResponseWriter, r *http.Request) bool {
		if !ofTrixie(r) {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body) // Only then it is seen that the engine hangs up.
		close(asked)
		select {
		case <-r.Context().Done():
		case <-t.Context().Done():
		}
		return true
	})
	p := x.start(x.dir("RUN uname -m > /machine"))
	<-asked

	trixie.cutPower(t)

	r := p.wait()
	trixie.start(t)
	x.moved(r, "trixie: push: lost the node")
}
