//go:build e2e

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// One platform fails while the other is busy: the other is stopped, and the error names platform, node and step.
func TestRunFailsOnOnePlatform(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	amd64, i386 := s.mark(), newMark()
	p := s.startPush(s.dir("RUN " + onEach("sleep "+amd64, "sleep "+i386+"; exit 7")))
	waitForSleep(t, amd64, i386)

	endSleep(t, i386) // Both are at work now, so what comes is a failure in the middle.

	r := p.wait()
	r.failed(1, "linux/386 on i386: build", "RUN if [ ", "exit code: 7")
	assert.Assert(t, r.waited < 10*time.Second)
	s.unharmed()
}

// endSleep has a `sleep MARK` in a container end.
func endSleep(t *testing.T, mark string) {
	t.Helper()
	pids, lines := processes(mark)
	for i, pid := range pids {
		if lines[i] == "sleep "+mark+" " {
			assert.NilError(t, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
}

// A step that fails at once must not be retried, nor tried elsewhere.
func TestRunFailsAtOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	amd64 := s.mark()
	r := s.push(s.dir("RUN " + onEach("exec sleep "+amd64, "exit 7")))
	r.failed(1, "linux/386 on i386: build", "exit code: 7")
	s.unharmed()
}

// Without --push the same holds; the platform that is fine may be on its node.
func TestRunFailsWithoutPush(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.build("-q", "-t", s.ref(), s.dir("RUN "+onEach("true", "exit 7"))).failed(1, "linux/386 on i386: build", "exit code: 7")
	s.unharmed()
	assert.Equal(t, engine("i386").image(t, s.ref()), "")
}

// What is wrong with a Dockerfile is shown with its lines, as docker build shows them: an instruction, a step, a base image.
func TestDockerfileErrorsShowItsLines(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, "trixie")
	for _, c := range []struct{ line, says string }{
		{"FORM scratch", "unknown instruction"},
		{"RUN exit 7", "exit code: 7"},
		{"FROM " + farm.registry + "/nothing/here:1", "base image"},
	} {
		r := s.push("--platform", "linux/amd64", s.dir("RUN true", c.line))
		_, excerpt, _ := strings.Cut(r.stderr, "Dockerfile:6\n")
		assert.Assert(t, is.Contains(excerpt, "RUN true\n"), "%s", r)
		assert.Assert(t, is.Contains(excerpt, " | >>> "+c.line+"\n"), "%s", r)
		assert.Assert(t, is.Contains(excerpt, c.says), "the reason stands below: %s", r)
		assert.Assert(t, r.code == 1 || r.code == 3, "%s", r)
	}
	s.unharmed()
}
