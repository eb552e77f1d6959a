//go:build linux

package power

import (
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/contexts/config"
)

// A run that was killed may have told the node to stop, or to start, a moment ago.
func TestWhatAKilledRunLeft(t *testing.T) {
	t.Parallel()
	const soon = "sleep 0.5; "
	for name, tt := range map[string]struct {
		awake    bool
		left     string // the command that still runs
		stopping time.Duration
		want     string
	}{
		"a stop command":                     {true, soon + stop, 0, "stop start"},
		"a stop that takes a while":          {true, "(" + soon + stop + ") & exit", 0, "stop start"},
		"a start command":                    {false, soon + start, -1, "start"},
		"a start command that starts later":  {false, soon + "exit", -1, "start"},
		"a stop that was begun a long while": {true, "exit", time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			m := c.machine(start, stop)
			if tt.awake {
				c.touch("on")
			}
			command := exec.CommandContext(t.Context(), "/bin/sh", "-c", tt.left)
			command.Dir = c.dir
			assert.NilError(t, command.Start()) // nobody asks how it ended

			f, debt := m.folder(), &Debt{Node: m.Name}
			debt.hooked(command.Process.Pid)
			if tt.stopping >= 0 {
				debt.Stopping = time.Now().Add(-tt.stopping)
			}
			assert.NilError(t, f.make())
			assert.NilError(t, f.owe(debt))
			lease, err := m.Acquire(t.Context())
			assert.NilError(t, err)
			assert.Assert(t, c.running())
			assert.Equal(t, c.log(), tt.want)
			assert.Assert(t, f.debt().Stopping.IsZero())

			lease.Release(t.Context())
			assert.NilError(t, m.Settle(t.Context()))
			assert.Equal(t, c.log(), strings.TrimSpace(tt.want+" stop"))
		})
	}
}

// A command has no terminal to ask on: it leads a session.
func TestHookHasNoTerminal(t *testing.T) {
	t.Parallel()
	_, err := newCloud(t).hook(t, time.Minute, config.Command{Shell: "set -- $(cat /proc/$$/stat); test $6 = $$"})
	assert.NilError(t, err)
}

// A stop by hand that is given up may be carried out all the same.
func TestStopByHandIsInterrupted(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.touch("on")
	m := c.machine(start, "setsid sh -c 'sleep 0.5; rm -f on' & sleep 9")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, m.StopNow(ctx, false), ErrHook)

	m.Stop.Shell = stop
	assert.ErrorIs(t, m.Settle(t.Context()), ErrHeld)
	lease, err := m.Acquire(t.Context())
	assert.NilError(t, err)
	assert.Equal(t, c.log(), "start")
	lease.Release(t.Context())
	assert.NilError(t, m.Settle(t.Context()))
	assert.Equal(t, c.log(), "start stop")
}

// A stop by hand that came to nothing is nobody's debt.
func TestStopByHandDidNothing(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.touch("on")
	m := c.machine(start, stop)
	assert.NilError(t, m.folder().make())
	assert.NilError(t, m.folder().owe(&Debt{Node: m.Name, Held: true, Stopping: time.Now().Add(-time.Hour)}))
	lease, err := m.Acquire(t.Context())
	assert.NilError(t, err)
	assert.Assert(t, lease == nil)
	assert.Equal(t, len(m.Store.Debts()), 0)
}

// Who does not wait for the stop command of a killed run leaves it alone.
func TestInterruptLeavesAStopCommand(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	m := c.machine(start, stop)
	command := exec.CommandContext(t.Context(), "/bin/sh", "-c", "sleep 0.5; "+stop)
	command.Dir, command.SysProcAttr = c.dir, &syscall.SysProcAttr{Setpgid: true}
	assert.NilError(t, command.Start())
	debt := &Debt{Node: m.Name, Stopping: time.Now()}
	debt.hooked(command.Process.Pid)
	assert.NilError(t, m.folder().make())
	assert.NilError(t, m.folder().owe(debt))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, m.Settle(ctx), context.DeadlineExceeded)
	assert.NilError(t, command.Wait())
	assert.Equal(t, c.log(), "stop")
}
