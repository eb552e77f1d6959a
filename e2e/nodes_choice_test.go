//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// With --keep-going the platforms that can be built are, and are left on their nodes; nothing is published.
func TestKeepGoing(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, "amd64", "i386")
	mark := newMark()
	p := s.startPush("--keep-going", s.dir("RUN "+onEach("sleep "+mark+"; true", "exit 7")))
	waitForSleep(t, mark)
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if strings.Contains(p.read("stderr"), "exit code: 7") {
			return poll.Success()
		}
		return poll.Continue("the other platform has not failed yet")
	}, poll.WithTimeout(patience))
	assert.Assert(t, sleeping(mark), "it did not keep going")
	endSleep(t, mark)

	p.wait().failed(1, "linux/386 on i386: build", "exit code: 7")

	s.unharmed()
	assert.Assert(t, engine("amd64").image(t, s.ref()+"-linux-amd64") != "", "what was built is not there")
}

// missingIn is what the metadata says the image lacks.
func missingIn(t *testing.T, file string) (missing []string) {
	t.Helper()
	_, raw := readMetadata(t, file)
	if raw["multiarch.missing"] != nil {
		assert.NilError(t, json.Unmarshal(raw["multiarch.missing"], &missing))
	}
	return missing
}

// A platform that may be missing is published without, and that is said; whether nobody builds it or its build fails.
func TestAllowMissing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		platforms, missing, run string
		says                    string
	}{
		"no node":  {"linux/amd64,linux/s390x", "linux/s390x", "true", "Missing: linux/s390x: no node"},
		"it fails": {"linux/amd64,linux/386", "linux/386", onEach("true", "exit 7"), "Missing: linux/386 on i386: build"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, file := newNodeScene(t, "amd64", "i386"), filepath.Join(t.TempDir(), "metadata.json")
			dir := s.dir("RUN " + test.run)
			args := []string{"--platform", test.platforms, "--metadata-file", file, dir}
			without := s.push(args...)
			assert.Assert(t, without.code != 0, "%s", without)
			s.unharmed()

			r := s.push(append([]string{"--allow-missing", test.missing}, args...)...).succeeded().says(test.says)

			want := oracle.Want{Platforms: []string{"linux/amd64"}, MediaType: dockerList}
			assert.Equal(t, published(t, openRegistry(), s.repo, tag, want).Digest, digestOf(t, r, s.ref()))
			assert.DeepEqual(t, missingIn(t, file), []string{test.missing})
			s.cleanedUp()
		})
	}
}

// With --rm-images nothing stays on the nodes, whether it worked or not; what was published is complete all the same.
func TestRemoveImages(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, "amd64", "i386", "modern")
	none := func() {
		for _, e := range s.alive {
			assert.Check(t, len(e.labelled(t, s.label)) == 0, "%s keeps images", e)
		}
	}

	s.push("--rm-images", s.dir(ownLayer)).succeeded()
	published(t, openRegistry(), s.repo, tag, bothPlatforms())
	none()
	s.push("--rm-images", "--node", "modern,i386", s.dir(ownLayer)).succeeded()
	published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}})
	none()
	s.build("--rm-images", s.dir("RUN true")).succeeded() // Without a name.
	none()
	s.push("--rm-images", "--keep-going", s.dir("RUN "+onEach("true", "exit 7"))).failed(1)
	none()
}

// A pin has one platform built on one node and leaves the others as they were.
func TestPinnedNode(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, "amd64", "i386", "trixie")
	r := s.push("--platform", "linux/amd64,linux/386", "--node", "linux/amd64:trixie", s.dir(ownLayer)).succeeded()
	assert.DeepEqual(t, r.plan(), map[string]string{"linux/amd64": "trixie native", "linux/386": "i386 native"})
	published(t, openRegistry(), s.repo, tag, bothPlatforms())
	assert.Assert(t, trixie.image(t, s.ref()) != "")
	assert.Equal(t, engine("amd64").image(t, s.ref()), "")

	c := s.client
	assert.DeepEqual(t, c.dryRun("--platform", "linux/386", "--node", "linux/386:amd64"), map[string]string{"linux/386": "amd64 compatible"})
	assert.DeepEqual(t, c.dryRun("--platform", "linux/amd64,linux/386", "--node", "linux/386:amd64"),
		map[string]string{"linux/amd64": "trixie native", "linux/386": "amd64 compatible"})
	s.push("--platform", "linux/amd64", "--node", "linux/amd64:i386", s.dir()).failed(2, "no node for linux/amd64", "i386: is linux/386")
	s.push("--platform", "linux/amd64", "--node", "linux/amd64:nobody", s.dir()).failed(125, "nobody")
}

// Several platforms on one node: one after the other, or as many at once as the user says.
func TestParallelBuildsOnANode(t *testing.T) {
	t.Parallel()
	const one = "RUN if [ $TARGETARCH = amd64 ]; then sleep %1; else sleep %2; fi; true"
	start := func(s *scene) (p *process, marks []string) {
		marks = []string{newMark(), newMark()}
		run := strings.NewReplacer("%1", marks[0], "%2", marks[1]).Replace(one)
		return s.startPush("--node", "amd64", "--platform", "linux/amd64,linux/386", s.dir("ARG TARGETARCH", run)), marks
	}
	t.Run("two", func(t *testing.T) {
		t.Parallel()
		s := newNodeScene(t, "amd64")
		s.nodesYAML("node:", "  amd64:", "    parallel: 2")
		p, marks := start(s)
		waitForSleep(t, marks...)
		endSleep(t, marks[0])
		endSleep(t, marks[1])
		p.wait().succeeded()
		published(t, openRegistry(), s.repo, tag, bothPlatforms())
	})
	t.Run("one", func(t *testing.T) {
		t.Parallel()
		s := newNodeScene(t, "amd64")
		p, marks := start(s)
		poll.WaitOn(t, func(poll.LogT) poll.Result {
			if sleeping(marks[0]) || sleeping(marks[1]) {
				return poll.Success()
			}
			return poll.Continue("nothing sleeps")
		}, poll.WithTimeout(patience), poll.WithDelay(20*time.Millisecond))
		first, second := marks[0], marks[1]
		if sleeping(second) {
			first, second = second, first
		}
		// The engine has not even been told of the other one: nothing of it is on the display.
		assert.Assert(t, !sleeping(second), "two at once")
		shown := p.read("stderr")
		assert.Assert(t, strings.Contains(shown, "[linux/386 amd64]") != strings.Contains(shown, "[linux/amd64 amd64]"), "%s", shown)
		endSleep(t, first)
		waitForSleep(t, second)
		endSleep(t, second)
		p.wait().succeeded()
		published(t, openRegistry(), s.repo, tag, bothPlatforms())
	})
}

// A step that prints nothing for long is alive: the engine answers. Longer than the silence after which a node is lost.
func TestRunThatPrintsNothing(t *testing.T) {
	t.Parallel()
	seconds := "50"
	if os.Getenv("MULTIARCH_LONG") != "" {
		seconds = "180"
	}
	s := newNodeScene(t, "amd64", "trixie")
	args := s.pushing("--progress", "plain", "--platform", "linux/amd64", s.dir("RUN sleep "+seconds))
	cmd := exec.CommandContext(t.Context(), "docker", append([]string{"multiarch", "build"}, args...)...) // Without the usual limit.
	cmd.Env = s.environ()
	out, err := cmd.CombinedOutput()
	assert.NilError(t, err, "%s", out)
	assert.Assert(t, !strings.Contains(string(out), "Moved"), "%s", out)
	published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/amd64"}, MediaType: dockerList})
}
