//go:build unix

package power

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"

	"github.com/docker-multiarch/docker-multiarch/contexts/config"
)

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	// The debt must be there before the command does anything.
	m := c.machine("test -e state/arm/debt.json && "+start, "grep -q stopping state/arm/debt.json && "+stop)
	lease, err := m.Acquire(t.Context())
	assert.NilError(t, err)
	assert.Assert(t, c.running())
	assert.ErrorIs(t, m.Settle(t.Context()), ErrInUse)
	assert.ErrorIs(t, m.StopNow(t.Context(), false), ErrInUse)
	lease.Release(t.Context())
	assert.NilError(t, m.Settle(t.Context()))
	assert.Equal(t, c.log(), "start stop")
	assert.Equal(t, len(m.Store.Debts()), 0)
	assert.NilError(t, m.Settle(t.Context()), "nothing is owed")
	assert.Equal(t, c.log(), "start stop")
}

// What runs without us stays as it is.
func TestAlreadyAwake(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.touch("on")
	m := c.machine(start, stop)
	lease, err := m.Acquire(t.Context())
	assert.NilError(t, err)
	assert.Assert(t, lease == nil)
	assert.NilError(t, m.Settle(t.Context()))
	assert.Equal(t, c.log(), "")
}

// The last one out stops it, and the second does not start it again.
func TestTwoRuns(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	m, other := c.machine(start, stop), c.machine(start, stop)
	first, err := m.Acquire(t.Context())
	assert.NilError(t, err)
	second, err := other.Acquire(t.Context())
	assert.NilError(t, err)
	first.Release(t.Context())
	assert.ErrorIs(t, m.Settle(t.Context()), ErrInUse)
	second.Release(t.Context())
	assert.NilError(t, other.Settle(t.Context()))
	assert.Equal(t, c.log(), "start stop")
}

// A start that failed may have started something.
func TestStartFails(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	m := c.machine(start+"; echo no capacity; exit 3", stop)
	_, err := m.Acquire(t.Context())
	assert.ErrorIs(t, err, ErrHook)
	assert.ErrorContains(t, err, "no capacity")
	assert.Equal(t, len(m.Store.Debts()), 1)
	assert.NilError(t, m.Settle(t.Context()))
	assert.Equal(t, c.log(), "start stop")
}

// What can't be noted is not started.
func TestNoNoteNoStart(t *testing.T) {
	t.Parallel()
	for name, obstacle := range map[string]func(c cloud, m *Machine) error{
		"debt":   func(c cloud, _ *Machine) error { return os.MkdirAll(c.path("state/arm/debt.json/x"), 0o700) },
		"folder": func(c cloud, _ *Machine) error { return os.WriteFile(c.path("state"), nil, 0o600) },
		"link": func(c cloud, _ *Machine) error {
			return errors.Join(os.MkdirAll(c.path("state"), 0o700), os.Symlink(t.TempDir(), c.path("state/arm")))
		},
		"lock is a link": func(c cloud, _ *Machine) error {
			return errors.Join(os.MkdirAll(c.path("state/arm"), 0o700), os.Symlink(c.path("x"), c.path("state/arm/lock")))
		},
		"no reaper": func(_ cloud, m *Machine) error {
			m.Reaper = func() error { return errors.New("no more processes") }
			return nil
		},
		"evil name": func(_ cloud, m *Machine) error { m.Name = "../arm"; return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			m := c.machine(start, stop)
			assert.NilError(t, obstacle(c, m))
			_, err := m.Acquire(t.Context())
			assert.Assert(t, err != nil)
			assert.Equal(t, c.log(), "")
		})
	}
}

func TestStopWaits(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	m := c.machine(start, stop)
	lease, err := m.Acquire(t.Context())
	assert.NilError(t, err)
	lease.Release(t.Context())

	m.Idle = time.Hour
	assert.ErrorIs(t, m.Settle(t.Context()), ErrIdle)
	m.Idle = 0
	assert.NilError(t, os.WriteFile(c.path("busy"), []byte("1 container"), 0o600))
	assert.ErrorIs(t, m.Settle(t.Context()), ErrBusy)
	assert.Assert(t, strings.Contains(m.Store.Debts()[0].Failure, "1 container"))
	assert.NilError(t, os.Remove(c.path("busy")))
	assert.NilError(t, m.Hold(t.Context()))
	assert.ErrorIs(t, m.Settle(t.Context()), ErrHeld)
	assert.Equal(t, c.log(), "start")
	assert.NilError(t, m.StopNow(t.Context(), false))
	assert.Equal(t, c.log(), "start stop")
	assert.Equal(t, len(m.Store.Debts()), 0)
}

// Who held a node did so until it was off: what a build starts it stops.
func TestHeldUntilItWasOff(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	m := c.machine(start, stop)
	lease, err := m.Acquire(t.Context())
	assert.NilError(t, err)
	assert.NilError(t, m.Hold(t.Context()))
	lease.Release(t.Context())
	assert.NilError(t, os.Remove(c.path("on")))

	lease, err = m.Acquire(t.Context())
	assert.NilError(t, err)
	lease.Release(t.Context())
	assert.NilError(t, m.Settle(t.Context()))
	assert.Equal(t, c.log(), "start start stop")
}

// A stop by hand that fails leaves nothing to be done about a node that was never
// started here.
func TestStopByHandFails(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.touch("on")
	m := c.machine(start, "exit 1")
	assert.ErrorIs(t, m.StopNow(t.Context(), false), ErrHook)
	assert.Equal(t, len(m.Store.Debts()), 0)
}

// Keep owes nothing.
func TestKeep(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	m := c.machine(start, stop)
	m.Keep = true
	lease, err := m.Acquire(t.Context())
	assert.NilError(t, err)
	assert.Assert(t, lease == nil)
	assert.Equal(t, len(m.Store.Debts()), 0)
	assert.Assert(t, c.running())
}

// A stop command that lies leaves the debt, and so does one that fails.
func TestStopFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stop, status string
		want         error
	}{
		"fails":             {"exit 1", "", ErrHook},
		"lies":              {"true", "", ErrStillAwake},
		"status contradict": {stop, "echo running", ErrStillAwake},
		"status is broken":  {stop, "exit 1", ErrStillAwake},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			m := c.machine(start, tt.stop)
			m.Status = config.Command{Shell: tt.status}
			lease, err := m.Acquire(t.Context())
			assert.NilError(t, err)
			lease.Release(t.Context())
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			assert.ErrorIs(t, m.Settle(ctx), tt.want)
			assert.Assert(t, m.Store.Debts()[0].Failure != "")
		})
	}
}

// A debt that can't be read is owed, and executes nothing.
func TestBrokenDebt(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	m := c.machine(start, stop)
	assert.NilError(t, os.MkdirAll(c.path("state/arm"), 0o700))
	assert.NilError(t, os.WriteFile(c.path("state/arm/debt.json"), []byte(`{"stop":"touch evil`), 0o600))
	assert.Equal(t, len(m.Store.Debts()), 1)
	assert.NilError(t, m.Settle(t.Context()))
	assert.Equal(t, c.log(), "stop")
	assert.Equal(t, len(m.Store.Debts()), 0)
}

// Whoever removes the folder owes nothing any more, and nobody waits.
func TestReaperWithoutFolder(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	m := c.machine(start, stop)
	_, err := m.Acquire(t.Context())
	assert.NilError(t, err)
	reaped := make(chan error)
	go func() { reaped <- m.Reap(t.Context()) }()
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if m.Store.Reaped(m.Name) {
			return poll.Success()
		}
		return poll.Continue("nobody reaps")
	})
	assert.NilError(t, os.RemoveAll(c.path("state")))
	select {
	case err := <-reaped:
		assert.NilError(t, err)
	case <-time.After(firstPause):
		t.Fatal("it goes on")
	}
	assert.Equal(t, c.log(), "start")
}
