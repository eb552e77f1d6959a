//go:build e2e

package e2e

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

func TestNoContextForAPlatform(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.addContext("dead", "unix://"+filepath.Join(t.TempDir(), "no.sock"))
	r := s.push("--platform", "linux/arm64,linux/386", s.dir())
	r.failed(2, "no node for linux/arm64", "amd64: is linux/amd64", "i386: is linux/386", "dead: ", "docker context create")
	s.unsent()
}

func TestNoContextAtAll(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.addContext("dead", "unix://"+filepath.Join(t.TempDir(), "no.sock"))
	s.configure("currentContext", "dead")
	s.removeContext("amd64")
	s.removeContext("i386")
	s.build(s.dir()).failed(2, "no usable node", "dead: ", "docker context create")
	s.push(s.dir()).failed(2, "dead: ")
	s.unsent()
}

// silent is the address of an engine that takes connections and says nothing, as behind a cut network.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NilError(t, err)
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String() // The kernel completes the handshake; nobody ever accepts.
}

func TestDeadContextBesideLiveOnes(t *testing.T) {
	t.Parallel()
	hosts := map[string]string{
		"gone":   "unix://" + filepath.Join(t.TempDir(), "no.sock"),
		"silent": "tcp://" + silent(t),
	}
	for name, host := range hosts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.addContext("bystander", host)
			dir := s.dir()

			// Nothing is published, so nothing can be lost.
			local := s.build("-t", s.ref(), dir).succeeded().says("bystander: ")
			assert.Equal(t, len(local.lines()), 2)
			assert.Assert(t, local.waited < limit, "a dead node cost %s", local.waited)

			// What platform it has is unknown: the user has to say what the image is to have.
			s.push(dir).failed(2, "bystander: ", "--platform linux/amd64,linux/386\n")
			s.unharmed()
			assert.Equal(t, len(s.front.writes()), 0)

			digestOf(t, s.push("--platform", "linux/386,linux/amd64", dir).succeeded(), s.ref())
			published(t, openRegistry(), s.repo, tag, bothPlatforms())
		})
	}
}

// Two contexts for one engine are one node.
func TestTwoContextsForOneEngine(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.addContext("same", "unix://"+filepath.Join(farm.root, "engines/amd64/docker.sock"))
	r := s.push(s.dir()).succeeded()
	assert.Equal(t, strings.Count(r.stderr, " native\n"), 2, "a platform is planned once: %s", r)
	published(t, openRegistry(), s.repo, tag, bothPlatforms())
}

// The index in the registry remembers a platform that no node offers now. Not parallel: an engine goes down.
func TestPushWhileANodeIsDown(t *testing.T) {
	s := newScene(t)
	dir := s.dir("RUN uname -m > /machine")
	i386 := engine("i386")
	i386.disturb(t, "kill")
	s.alive = []engine{"amd64"}

	s.push(dir).failed(2, "linux/386", "i386: ", "--platform linux/amd64\n")
	s.unsent()

	// Without its context it is not even silent; the index alone remembers it.
	s.removeContext("i386")
	s.push(dir).failed(2, "linux/386 is in the published image", "--platform linux/amd64\n")
	s.unsent()

	// The printed line, typed, does it.
	s.push("--platform", "linux/amd64", dir).succeeded()
	published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/amd64"}, MediaType: dockerList})
	i386.start(t)
}

// Not parallel: an engine goes down. It is the one that no other can replace: amd64 could build for 386 as well.
func TestNodeDiesMidBuild(t *testing.T) {
	s := newScene(t)
	amd64, i386 := s.mark(), s.mark()
	p := s.startPush(s.dir("RUN " + onEach("sleep "+amd64, "sleep "+i386)))
	waitForSleep(t, amd64, i386)

	engine("amd64").disturb(t, "kill")

	r := p.wait()
	r.failed(3, "linux/amd64 on amd64: build", "docker --context amd64 version")
	assert.Assert(t, r.waited < 20*time.Second, "it took %s to notice", r.waited)
	waitForEnd(t, 10*time.Second, amd64, i386)
	engine("amd64").start(t)
	s.unharmed()
}

// A node that is lost is replaced by the next one that can build the platform; the other platform goes on undisturbed.
func TestLostNodeIsReplaced(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	w := newWire(t, "i386")
	s.removeContext("i386")
	s.addContext("far", w.host)
	amd64, i386, replaced := newMark(), s.mark(), newMark()
	p := s.startPush(s.dir("ARG TARGETARCH", "RUN if [ $TARGETARCH = amd64 ]; then sleep "+amd64+"; elif [ $(uname -m) = i686 ]; then sleep "+i386+
		"; else sleep "+replaced+"; fi; true"))
	waitForSleep(t, amd64, i386)

	w.cut()

	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if sleeping(i386) {
			return poll.Continue("the lost engine still builds")
		}
		return poll.Success()
	}, poll.WithTimeout(patience))
	assert.Assert(t, sleeping(amd64), "it was disturbed")
	endSleep(t, amd64)
	waitForSleep(t, replaced)
	endSleep(t, replaced)
	r := p.wait().succeeded().says("linux/386 on far", "linux/386 amd64")
	assert.Equal(t, published(t, openRegistry(), s.repo, tag, bothPlatforms()).Digest, digestOf(t, r, s.ref()))
}

// farAway has the amd64 engine behind a wire, as the context "far".
func farAway(t *testing.T, s *scene) *wire {
	t.Helper()
	w := newWire(t, "amd64")
	s.addContext("far", w.host)
	s.configure("currentContext", "far")
	s.removeContext("amd64")
	return w
}

// A node's network ends without a word: nothing is refused, nothing is reset, there is only no answer any more.
func TestNodeFallsSilentMidBuild(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	w := farAway(t, s)
	amd64, i386 := s.mark(), s.mark()
	p := s.startPush(s.dir("RUN " + onEach("sleep "+amd64, "sleep "+i386)))
	waitForSleep(t, amd64, i386)

	w.freeze()

	r := p.wait()
	r.failed(3, "linux/amd64 on far: build", "docker --context far version")
	assert.Assert(t, r.waited < 60*time.Second, "it took %s to notice", r.waited)
	waitForEnd(t, 10*time.Second, i386)
	w.cut() // Now the engine learns it as well.
	s.unharmed()
}

// The connection breaks, the engine lives on: its build must not.
func TestConnectionBreaksMidBuild(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	w := farAway(t, s)
	amd64, i386 := s.mark(), s.mark()
	p := s.startPush(s.dir("RUN " + onEach("sleep "+amd64, "sleep "+i386)))
	waitForSleep(t, amd64, i386)

	w.cut()

	r := p.wait()
	r.failed(3, "linux/amd64 on far: build", "docker --context far version")
	assert.Assert(t, r.waited < 20*time.Second, "it took %s to notice", r.waited)
	s.unharmed()
}
