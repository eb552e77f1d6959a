package power

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/gofrs/flock"

	"github.com/docker-multiarch/docker-multiarch/retry"
)

const (
	// reapEvery is how often the reaper looks whether a stop is due.
	reapEvery = time.Second
	// A stop that fails is tried maxTries times, with pauses that double from
	// firstPause up to longestPause. A later run tries again.
	maxTries     = 10
	firstPause   = 5 * time.Second
	longestPause = 5 * time.Minute
	// busyPause is how long something that runs there is left alone.
	busyPause = 30 * time.Second
)

// Reap waits until the stop of the node is due, and settles it. It returns at
// once when another process does that already, else when nothing is owed any
// more, or with why the node can't be stopped.
func (m *Machine) Reap(ctx context.Context) error {
	f := m.folder()
	if err := f.make(); err != nil {
		return err
	}
	if err := f.noLink(reaperFile); err != nil {
		return err
	}
	guard := flock.New(f.path(reaperFile))
	// Whoever only looks whether there is a reaper holds it for a moment.
	trying, cancel := context.WithTimeout(ctx, reapEvery)
	defer cancel()
	if ok, _ := guard.TryLockContext(trying, lockEvery); !ok {
		return context.Cause(ctx)
	}
	defer func() { _ = guard.Unlock() }()
	pause := firstPause
	for tries := 0; tries < maxTries; {
		wait := reapEvery
		done, err := m.reap(ctx, f, guard)
		switch {
		case done || ctx.Err() != nil:
			return err
		case err == nil || errors.Is(err, ErrInUse) || errors.Is(err, ErrIdle):
		case errors.Is(err, ErrBusy):
			wait = busyPause
		default:
			tries++
			wait, pause = pause, min(2*pause, longestPause)
		}
		if err := retry.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}

// reap settles the debt if it is due. Done is that there is nothing to wait for;
// then guard is free before the lock is, so that whoever starts the node next
// gets a reaper of its own.
func (m *Machine) reap(ctx context.Context, f folder, guard *flock.Flock) (done bool, err error) {
	unlock, err := f.lock(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // with the folder went what was owed
	}
	if err != nil {
		return false, err
	}
	defer unlock()
	debt := f.debt()
	if debt != nil {
		err = m.due(f, debt)
		if errors.Is(err, ErrInUse) && m.Idle > 0 {
			m.noteUse(f, debt)
		}
		if err == nil {
			err = m.stop(ctx, f, debt)
		}
	}
	if debt == nil || err == nil || errors.Is(err, ErrHeld) || m.Stop.IsZero() {
		return true, errors.Join(err, guard.Unlock())
	}
	return false, err
}

// noteUse writes down, now and then, that the node is in use: a run that is
// killed can't say when it ended.
func (m *Machine) noteUse(f folder, debt *Debt) {
	if time.Since(debt.Used) > m.Idle/10 {
		debt.Used = time.Now()
		_ = f.owe(debt) // idle then counts from earlier
	}
}

// Reaped says whether a process waits to settle the node's debt.
func (s *Store) Reaped(name string) bool {
	return held(s.folder(name).path(reaperFile))
}

// InUse says whether a run uses the node.
func (s *Store) InUse(ctx context.Context, name string) bool {
	f := s.folder(name)
	ctx, cancel := context.WithTimeout(ctx, 4*lockEvery)
	defer cancel()
	unlock, err := f.lock(ctx)
	if err != nil {
		// Somebody starts or stops it.
		return true
	}
	defer unlock()
	return len(f.users()) > 0
}
