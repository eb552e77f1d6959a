package power

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docker-multiarch/docker-multiarch/contexts/config"
)

const (
	startLimit  = 5 * time.Minute
	stopLimit   = 2 * time.Minute
	statusLimit = 30 * time.Second
	// aliveLimit is how long an engine may take to answer, fallAsleep how
	// long it may go on answering after the stop command.
	aliveLimit = 5 * time.Second
	fallAsleep = 90 * time.Second
	askEvery   = 300 * time.Millisecond
)

// Why a node is not stopped now.
var (
	// ErrInUse: a run of this user on this machine uses it.
	ErrInUse = errors.New("in use by another build")
	// ErrIdle: the time for which it is kept after a build is not over.
	ErrIdle = errors.New("kept for its idle time")
	// ErrHeld: it was started by hand.
	ErrHeld = errors.New("started by hand")
	// ErrBusy: something runs on its engine for somebody else.
	ErrBusy = errors.New("something runs there")
	// ErrStillAwake: the stop command succeeded, but the engine still
	// answers, or the status command says something else.
	ErrStillAwake = errors.New("still awake after its stop command")
)

// Engine is what a Machine has to know of the engine on it.
type Engine interface {
	// Alive fails when the engine does not answer.
	Alive(ctx context.Context) error
	// Busy says what runs there that began after a time; "" is nothing.
	Busy(ctx context.Context, since time.Time) (string, error)
}

// Machine is a node that can be started and stopped.
type Machine struct {
	Name string
	config.Power
	Engine Engine
	// Dir and Env are the working directory and the environment of commands.
	Dir string
	Env []string
	// Reaper starts a process of its own that calls Reap for this node. It is
	// called before anything is owed.
	Reaper func() error
	Store  *Store
}

func (m *Machine) folder() folder { return m.Store.folder(m.Name) }

// alive asks the engine, which has a limited time.
func (m *Machine) alive(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, aliveLimit)
	defer cancel()
	return m.Engine.Alive(ctx) == nil
}

// Acquire makes sure that the node was told to start, and that it is not stopped
// as long as the lease is held. It does not wait for the engine. The lease is nil
// when no stop is owed: the node is up without us, or may stay up. While another
// run starts or stops the node it waits, even if that run was killed meanwhile.
func (m *Machine) Acquire(ctx context.Context) (*Lease, error) {
	f := m.folder()
	if err := f.make(); err != nil {
		return nil, err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	debt, err := m.outlast(ctx, f)
	if err != nil {
		return nil, err
	}
	awake := m.alive(ctx)
	switch {
	case awake && debt == nil:
		return nil, nil //nolint:nilnil // nothing to release, and nothing wrong
	case m.Start.IsZero() && !awake:
		return nil, fmt.Errorf("node %s sleeps, and no command may start it", m.Name)
	case m.Keep && debt == nil:
		_, err := m.run(ctx, hook{what: "start", command: m.Start, limit: startLimit})
		return nil, err
	case debt == nil:
		debt = &Debt{Node: m.Name, Since: time.Now()}
	}
	// Another run that waits for the engine has started it.
	starts := !awake && len(f.users()) == 0
	if starts && !m.Keep {
		debt.Held = false // whoever held it did so until it was off
	}
	lease, err := f.lease()
	if err != nil {
		return nil, err
	}
	err = m.promise(f, debt)
	if err == nil && starts {
		err = m.start(ctx, f, debt)
	}
	if err != nil {
		lease.end()
		return nil, err
	}
	return lease, nil
}

// promise has the reaper wait, and writes the debt.
func (m *Machine) promise(f folder, debt *Debt) error {
	if err := m.Reaper(); err != nil {
		return fmt.Errorf("preparing the stop of node %s: %w", m.Name, err)
	}
	return f.owe(debt)
}

// start runs the start command. Its process is noted: it may outlive this one.
func (m *Machine) start(ctx context.Context, f folder, debt *Debt) error {
	h := hook{what: "start", command: m.Start, limit: startLimit}
	h.began = func(pid int) error {
		debt.hooked(pid)
		return f.owe(debt)
	}
	_, err := m.run(ctx, h)
	debt.unhooked()
	return errors.Join(err, f.owe(debt))
}

// Hold keeps a node that the user started until the user stops it.
func (m *Machine) Hold(ctx context.Context) error {
	f := m.folder()
	return f.owing(ctx, func(debt *Debt) error {
		debt.Held = true
		return f.owe(debt)
	})
}

// Word is what the status command says: the last line of its output, whatever
// its exit code (systemctl is-active fails for what is inactive). It is "" when
// there is no such command.
func (m *Machine) Word(ctx context.Context) (string, error) {
	if m.Status.IsZero() {
		return "", nil
	}
	out, err := m.run(ctx, hook{what: "status", command: m.Status, limit: statusLimit})
	lines := strings.Split(strings.TrimSpace(out), "\n")
	word := strings.TrimSpace(lines[len(lines)-1])
	if word == "" && err != nil {
		return "", err
	}
	return word, nil
}

// asleep are the words for a machine that is off or on its way there, of AWS,
// Azure, GCP, Hetzner, libvirt and systemd.
var asleep = []string{
	"stopped", "stopping", "off", "shut off", "shutoff", "in shutdown", "inactive", "deactivating", "failed",
	"terminated", "shutting-down", "suspended", "suspending", "hibernated", "asleep",
	"vm stopped", "vm stopping", "vm deallocated", "vm deallocating", "deallocated",
}
