//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/containerd/console"
	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
	"gotest.tools/v3/poll"
)

// terminal is a docker command on a terminal of its own, as a person starts it.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	keys   console.Console
	ended  chan struct{} // Closed when all was shown.
	mu     sync.Mutex
	screen bytes.Buffer
}

func (c *client) startOnTerminal(args ...string) *terminal {
	c.t.Helper()
	keys, path, err := console.NewPty()
	assert.NilError(c.t, err)
	assert.NilError(c.t, keys.Resize(console.WinSize{Height: 40, Width: 200}))
	tty, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOCTTY, 0)
	assert.NilError(c.t, err)
	defer tty.Close()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	c.t.Cleanup(cancel)
	term := &terminal{t: c.t, cmd: exec.CommandContext(ctx, "docker", args...), keys: keys, ended: make(chan struct{})}
	term.cmd.Env = append(c.environ(), "TERM=xterm")
	term.cmd.Dir = c.t.TempDir()
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = tty, tty, tty
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	assert.NilError(c.t, term.cmd.Start())
	go term.read()
	c.t.Cleanup(func() { keys.Close() })
	return term
}

// read ends when the last process has left the terminal.
func (term *terminal) read() {
	defer close(term.ended)
	buffer := make([]byte, 4096)
	for {
		n, err := term.keys.Read(buffer)
		term.mu.Lock()
		term.screen.Write(buffer[:n])
		term.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// wait returns the exit code and what was shown.
func (term *terminal) wait() (code int, screen string) {
	term.t.Helper()
	_ = term.cmd.Wait() // The exit code says more.
	<-term.ended
	return term.cmd.ProcessState.ExitCode(), term.screen.String()
}

func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	dir := files{"Dockerfile": dockerfile("RUN uname -m > /machine")}.dir(t)

	code, screen := c.startOnTerminal("multiarch", "build", "--push", "-t", f.address+"/"+repo+":1", dir).wait()

	assert.Equal(t, code, 0, "%s", screen)
	image := published(t, openRegistry(), repo, "1", bothPlatforms())
	assert.Assert(t, strings.HasSuffix(screen, f.address+"/"+repo+":1@"+image.Digest+"\r\n"), "the result is not what stands last: %q", screen)
	assert.Assert(t, is.Contains(screen, "\x1b["), "it did not use the terminal")
	assert.Assert(t, is.Contains(screen, "RUN uname -m"))

	colour := regexp.MustCompile(`\x1b\[3[0-7]`)
	code, screen = c.startOnTerminal("multiarch", "build", "--progress", "tty", dir).wait()
	assert.Equal(t, code, 0, "%s", screen)
	assert.Assert(t, colour.MatchString(screen), "%q", screen)
	c.env["NO_COLOR"] = "1"
	code, screen = c.startOnTerminal("multiarch", "build", "--progress", "tty", dir).wait()
	assert.Equal(t, code, 0, "%s", screen)
	assert.Assert(t, !colour.MatchString(screen), "%q", screen)
}

// ^C as it is typed: the terminal sends it to all that run on it, docker and plugin alike.
func TestInterruptOnATerminal(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	amd64, i386 := s.mark(), s.mark()
	args := append([]string{"multiarch", "build"}, s.pushing(s.dir("RUN "+onEach("sleep "+amd64, "sleep "+i386)))...)
	term := s.startOnTerminal(args...)
	waitForSleep(t, amd64, i386)
	typed := time.Now()

	_, err := term.keys.Write([]byte{3})
	assert.NilError(t, err)

	code, screen := term.wait()
	assert.Equal(t, code, 130, "%s", screen)
	assert.Assert(t, is.Contains(screen, "interrupted"))
	assert.Assert(t, time.Since(typed) < 5*time.Second)
	s.unharmed()
}

// Who types it twice does not want to wait for anything.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	w := farAway(t, s)
	amd64, i386 := s.mark(), s.mark()
	p := s.startPush(s.dir("RUN " + onEach("sleep "+amd64, "sleep "+i386)))
	waitForSleep(t, amd64, i386)
	w.freeze() // So that the first one has something to wait for.
	plugin := pluginOf(t, p)

	signal(t, -p.cmd.Process.Pid, syscall.SIGINT)
	waitForEnd(t, patience, i386) // The first one was heard: two that wait to be heard are one.
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if syscall.Kill(plugin, syscall.SIGINT) == nil {
			return poll.Continue("the plugin runs on")
		}
		return poll.Success()
	}, poll.WithTimeout(time.Second), poll.WithDelay(50*time.Millisecond))
	assert.Assert(t, p.wait().code != 0)
	w.cut()
	waitForEnd(t, 60*time.Second, amd64, i386)
	s.unharmed()
}
