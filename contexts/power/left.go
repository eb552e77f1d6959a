package power

import (
	"context"
	"os"
	"time"

	"github.com/docker-multiarch/docker-multiarch/retry"
)

// hooked notes the process of a command that runs, unhooked that it runs no more.
func (d *Debt) hooked(pid int) { d.Hook, d.HookStart = pid, processStart(pid) }
func (d *Debt) unhooked()      { d.Hook, d.HookStart = 0, "" }

// left says that a command still runs whose run was killed.
func (d *Debt) left() bool {
	return d.Hook > 0 && d.HookStart != "" && processStart(d.Hook) == d.HookStart
}

// outlast waits for what a run that was killed left undone: a command that still
// runs, and a node that answers but has been told to stop. It returns what is owed.
// The caller has the lock.
func (m *Machine) outlast(ctx context.Context, f folder) (*Debt, error) {
	debt := f.debt()
	if debt == nil {
		return nil, nil //nolint:nilnil // nothing is owed
	}
	if err := debt.awaitHook(ctx, startLimit); err != nil {
		return nil, err
	}
	if time.Since(debt.Stopping) < stopLimit+fallAsleep {
		_ = m.awaitSleep(ctx) // if it is still awake, that stop did nothing
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	debt.Stopping = time.Time{}
	if debt.Held && debt.Since.IsZero() { // never started here: that stop was by hand
		return nil, f.forget()
	}
	return debt, nil
}

// endHook ends a start command whose run was killed. A stop command may come to
// its end.
func (d *Debt) endHook(ctx context.Context) error {
	if !d.Stopping.IsZero() {
		if err := d.awaitHook(ctx, stopLimit); err != nil {
			return err
		}
	}
	if d.left() {
		_ = killGroup(&os.Process{Pid: d.Hook}) // else it ends by itself
	}
	return nil
}

// awaitHook waits until a command that was left has ended, no longer than limit.
func (d *Debt) awaitHook(ctx context.Context, limit time.Duration) error {
	for deadline := time.Now().Add(limit); d.left() && time.Now().Before(deadline); {
		if err := retry.Sleep(ctx, lockEvery); err != nil {
			return err
		}
	}
	return nil
}
