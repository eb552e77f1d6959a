//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"
)

// engine is one of the farm's engines, by the name that it and its context have.
type engine string

var engines = []engine{"amd64", "i386"}

// platform is the engine's own.
func (e engine) platform() string {
	return map[engine]string{"amd64": "linux/amd64", "i386": "linux/386"}[e]
}

// machine is what `uname -m` says there.
func (e engine) machine() string { return map[engine]string{"amd64": "x86_64", "i386": "i686"}[e] }

// suffix is the end of its per-platform tags.
func (e engine) suffix() string { return strings.ReplaceAll("/"+e.platform(), "/", "-") }

// try runs a docker command on the engine, past the client under test.
func (e engine) try(args ...string) (string, error) {
	cmd := exec.Command("docker", append([]string{"--context", string(e)}, args...)...)
	cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+filepath.Join(farm.root, "docker-config"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("docker %s on %s: %w: %s", strings.Join(args, " "), e, err, &stderr)
	}
	return strings.TrimSpace(string(out)), err
}

func (e engine) docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := e.try(args...)
	assert.NilError(t, err)
	return out
}

// image is the ID of the image with that name; "" if there is none.
func (e engine) image(t *testing.T, name string) string {
	t.Helper()
	ids := strings.Fields(e.docker(t, "image", "ls", "-q", "--no-trunc", "--filter", "reference="+name))
	return strings.Join(slices.Compact(ids), " ") // Once, however many of its names match.
}

// run runs a container of an image and returns what it prints. It is read from the log: an attached docker run
// sometimes misses what a short program prints.
func (e engine) run(t *testing.T, image string, command ...string) string {
	t.Helper()
	return e.printed(t, e.docker(t, append([]string{"run", "--detach", "--network", "none", image}, command...)...))
}

// printed waits for the end of a container, which has to work, removes it and returns what it printed.
func (e engine) printed(t *testing.T, id string) string {
	t.Helper()
	defer e.docker(t, "rm", "--force", id)
	code := e.docker(t, "wait", id)
	printed := e.docker(t, "logs", id)
	assert.Equal(t, code, "0", "%s", printed)
	return printed
}

// dangling are the nameless images with a label.
func (e engine) dangling(t *testing.T, label string) string {
	t.Helper()
	return e.docker(t, "image", "ls", "-q", "--filter", "dangling=true", "--filter", "label="+label)
}

// removeImages takes all names that contain a text from their images, and removes those that have no other.
func (e engine) removeImages(text string) error {
	listed, err := e.try("image", "ls", "--digests", "--format", `{{.Repository}}{{if eq .Tag "<none>"}}@{{.Digest}}{{else}}:{{.Tag}}{{end}}`)
	if err != nil {
		return err
	}
	names := slices.DeleteFunc(strings.Fields(listed), func(name string) bool { return !strings.Contains(name, text) })
	if len(names) == 0 {
		return nil
	}
	_, err = e.try(append([]string{"image", "rm", "-f"}, names...)...)
	return err
}

// disturb changes the state of an engine with scripts/farm, and has it run again when the test ends. Tests that call it must not be
// parallel.
func (e engine) disturb(t *testing.T, how string) {
	t.Helper()
	t.Cleanup(func() { e.start(t) })
	farmCommand(t, how, string(e))
}

func (e engine) start(t *testing.T) {
	t.Helper()
	farmCommand(t, "start", string(e))
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if _, err := e.try("info"); err != nil {
			return poll.Continue("%v", err)
		}
		return poll.Success()
	}, poll.WithTimeout(patience), poll.WithDelay(50*time.Millisecond))
}

func farmCommand(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command(farm.command, args...)
	// Engines it starts must not keep the pipes of the tests open.
	log, err := os.Create(filepath.Join(t.TempDir(), "farm.log"))
	assert.NilError(t, err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	err = cmd.Run()
	text, _ := os.ReadFile(log.Name())
	assert.NilError(t, err, "farm %s: %s", strings.Join(args, " "), text)
}

// processes are the processes that have a mark in their command line, those in the engines' containers included: the engines share
// this machine's list of processes.
func processes(mark string) (pids []int, lines []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(text, []byte(mark)) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		pids = append(pids, pid)
		lines = append(lines, strings.ReplaceAll(string(text), "\x00", " "))
	}
	return pids, lines
}

// sleeping tells whether `sleep MARK` itself runs, and not only the shell that is about to start it.
func sleeping(mark string) bool {
	_, lines := processes(mark)
	for _, line := range lines {
		if strings.TrimSpace(line) == "sleep "+mark {
			return true
		}
	}
	return false
}

// waitForSleep waits until a RUN has come to its `sleep MARK`.
func waitForSleep(t *testing.T, marks ...string) {
	t.Helper()
	for _, mark := range marks {
		poll.WaitOn(t, func(poll.LogT) poll.Result {
			if sleeping(mark) {
				return poll.Success()
			}
			return poll.Continue("no process sleeps for %s", mark)
		}, poll.WithTimeout(patience), poll.WithDelay(20*time.Millisecond))
	}
}

// waitForEnd waits until nothing with that mark runs.
func waitForEnd(t *testing.T, limit time.Duration, marks ...string) {
	t.Helper()
	for _, mark := range marks {
		poll.WaitOn(t, func(poll.LogT) poll.Result {
			if _, lines := processes(mark); len(lines) > 0 {
				return poll.Continue("still running: %q", lines)
			}
			return poll.Success()
		}, poll.WithTimeout(limit), poll.WithDelay(50*time.Millisecond))
	}
}

// waitForExit waits until a process is gone.
func waitForExit(t *testing.T, pid int) {
	t.Helper()
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if syscall.Kill(pid, 0) == nil {
			return poll.Continue("process %d still runs", pid)
		}
		return poll.Success()
	}, poll.WithTimeout(patience), poll.WithDelay(20*time.Millisecond))
}
