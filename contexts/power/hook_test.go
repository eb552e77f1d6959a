//go:build unix

package power

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"

	"github.com/docker-multiarch/docker-multiarch/contexts/config"
)

func (c cloud) hook(t *testing.T, limit time.Duration, command config.Command) (string, error) {
	t.Helper()
	return c.machine("", "").run(t.Context(), hook{what: "start", command: command, limit: limit})
}

// The name is an argument and a variable, and the environment is what was given.
func TestHookArguments(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	out, err := c.hook(t, time.Minute, config.Command{Args: []string{"printf", "%s|", "{name}", "x{name}", "$HOME; id"}})
	assert.NilError(t, err)
	assert.Equal(t, out, "arm|x{name}|$HOME; id|")
	out, err = c.hook(t, time.Minute, config.Command{Shell: `echo "$1 $MULTIARCH_NODE $HOME $(pwd)"`})
	assert.NilError(t, err)
	assert.Equal(t, out, "arm arm  "+c.dir+"\n")
}

func TestHookFloods(t *testing.T) {
	t.Parallel()
	out, err := newCloud(t).hook(t, time.Minute, config.Command{Shell: "head -c 10000000 /dev/zero | tr '\\0' x; exit 1"})
	assert.ErrorIs(t, err, ErrHook)
	assert.Equal(t, len(out), maxOutput)
	assert.Assert(t, len(err.Error()) < 2000)
}

// A command that hangs ends with all its children when its time is over.
func TestHookHangs(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	started := time.Now()
	_, err := c.hook(t, 300*time.Millisecond, config.Command{Shell: "trap '' TERM; sleep 1000 & echo $! > child; wait"})
	assert.ErrorContains(t, err, "start command failed: not done within 300ms")
	assert.Assert(t, time.Since(started) < 10*time.Second)
	c.gone(t, "child")
}

// What a command leaves behind does not keep it from ending, nor outlive it.
func TestHookForks(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	started := time.Now()
	out, err := c.hook(t, time.Minute, config.Command{Shell: "sleep 1000 & echo $! > child; echo done"})
	assert.NilError(t, err)
	assert.Equal(t, out, "done\n")
	assert.Assert(t, time.Since(started) < 20*time.Second)
	c.gone(t, "child")
}

func (c cloud) gone(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(c.path(file))
	assert.NilError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	assert.NilError(t, err)
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if syscall.Kill(pid, 0) == nil && !zombie(pid) {
			return poll.Continue("%d runs", pid)
		}
		return poll.Success()
	}, poll.WithTimeout(10*time.Second), poll.WithDelay(20*time.Millisecond))
}

// zombie says whether a process has ended and nobody asked how.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}
