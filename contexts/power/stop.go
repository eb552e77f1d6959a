package power

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker-multiarch/docker-multiarch/retry"
)

// Settle stops the node if that is owed and due. It returns nil when nothing is
// owed any more, ErrInUse, ErrIdle or ErrHeld when it is not due, and otherwise
// why the node could not be stopped, which is noted.
func (m *Machine) Settle(ctx context.Context) error {
	f := m.folder()
	if f.debt() == nil {
		return nil
	}
	return f.owing(ctx, func(debt *Debt) error {
		if err := m.due(f, debt); err != nil {
			return err
		}
		return m.stop(ctx, f, debt)
	})
}

// due says why a stop that is owed has to wait.
func (m *Machine) due(f folder, debt *Debt) error {
	used := debt.Since
	if debt.Used.After(used) && debt.Used.Before(time.Now()) {
		used = debt.Used
	}
	switch users := f.users(); {
	case len(users) > 0:
		return fmt.Errorf("%w (process %s)", ErrInUse, strings.Join(users, ", "))
	case debt.Held:
		return ErrHeld
	case time.Since(used) < m.Idle:
		return fmt.Errorf("%w, until %s", ErrIdle, used.Add(m.Idle).Format(time.TimeOnly))
	}
	return nil
}

// StopNow stops the node whether that is owed or not, and at once; unless it is
// forced, not while somebody uses it.
func (m *Machine) StopNow(ctx context.Context, force bool) error {
	f := m.folder()
	if err := f.make(); err != nil {
		return err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	debt := f.debt()
	if debt == nil {
		// Nothing is owed; that it is being stopped counts until it is known.
		debt = &Debt{Node: m.Name, Held: true}
	}
	if force {
		_, err := m.end(ctx, f, debt)
		return err
	}
	if users := f.users(); len(users) > 0 {
		return fmt.Errorf("%w (process %s)", ErrInUse, strings.Join(users, ", "))
	}
	return m.stop(ctx, f, debt)
}

// stop stops the node unless something runs there. The caller has the lock.
func (m *Machine) stop(ctx context.Context, f folder, debt *Debt) error {
	tried, err := false, m.busy(ctx, debt.Since)
	if err == nil {
		tried, err = m.end(ctx, f, debt)
	}
	if err != nil && f.debt() != nil {
		debt.Failure = err.Error()
		if !tried {
			debt.Failure = "not stopped: " + debt.Failure
		}
		err = errors.Join(err, f.owe(debt))
	}
	return err
}

// busy returns an ErrBusy if something began to run there since it was started.
// An engine that can't say so has nothing running.
func (m *Machine) busy(ctx context.Context, since time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, aliveLimit)
	defer cancel()
	if what, err := m.Engine.Busy(ctx, since); err == nil && what != "" {
		return fmt.Errorf("%w: %s", ErrBusy, what)
	}
	return nil
}

// end runs the stop command, after what is left of another command, and sees
// whether it is true that the node stopped.
func (m *Machine) end(ctx context.Context, f folder, debt *Debt) (tried bool, err error) {
	if m.Stop.IsZero() {
		return false, fmt.Errorf("node %s has no stop command", m.Name)
	}
	if err := debt.endHook(ctx); err != nil {
		return false, err
	}
	owed := f.debt() != nil
	debt.Stopping = time.Now()
	_ = f.owe(debt) // what can't be noted is stopped all the same
	h := hook{what: "stop", command: m.Stop, limit: stopLimit}
	h.began = func(pid int) error { debt.hooked(pid); _ = f.owe(debt); return nil }
	if _, err = m.run(ctx, h); err == nil {
		err = m.awaitSleep(ctx)
	}
	if err == nil || !owed && ctx.Err() == nil {
		return true, errors.Join(err, f.forget())
	}
	if ctx.Err() == nil {
		debt.Stopping = time.Time{}
	}
	debt.unhooked()
	if f.debt() != nil { // else it was forgotten meanwhile
		_ = f.owe(debt)
	}
	return true, err
}

// awaitSleep waits until the engine answers no more and the status command has no
// objection.
func (m *Machine) awaitSleep(ctx context.Context) error {
	deadline := time.Now().Add(fallAsleep)
	for {
		why := "its engine answers"
		if !m.alive(ctx) {
			word, err := m.Word(ctx)
			if err == nil && (m.Status.IsZero() || slices.Contains(asleep, strings.ToLower(word))) {
				return nil
			}
			why = fmt.Sprintf("its status command says %q", word)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: %s", ErrStillAwake, why)
		}
		if retry.Sleep(ctx, askEvery) != nil {
			return fmt.Errorf("%w: %s", ErrStillAwake, why)
		}
	}
}
