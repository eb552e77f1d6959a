package builder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/contexts/power"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/node"
)

// renewEvery is how often a node with a dead-man timer is told that it is still in
// use.
const renewEvery = 5 * time.Minute

// lease is a node that this build may have to stop.
type lease struct {
	machine *node.Machine
	lease   *power.Lease // nil when it was not even started
	renewed func()       // ends the renewing
}

// findSleeping marks the nodes that did not answer and can be started. Of those,
// the ones that the build needs join it: for a platform that was asked for, and
// that no node which runs builds natively, the first that declares it.
func findSleeping(nodes contexts.Nodes, c *config.Config, in *input) {
	for _, n := range nodes {
		if c.Node(n.Name).Wakes() && n.Sleeps() && !in.options.noHooks {
			n.Err = contexts.ErrAsleep
		}
	}
	for _, p := range in.platforms {
		allowed := slices.DeleteFunc(slices.Clone(nodes), func(n *contexts.Node) bool { return !mayBuild(n, p, in.pins) })
		if slices.ContainsFunc(allowed, func(n *contexts.Node) bool { return n.Match(p) == contexts.Native }) {
			continue
		}
		for _, n := range allowed {
			if join(n, p) {
				break
			}
		}
	}
}

// mayBuild says whether pins leave the platform to the node.
func mayBuild(n *contexts.Node, p ocispec.Platform, pins []build.Pin) bool {
	for _, pin := range pins {
		if (pin.Node == n.Name) != platform.Same(pin.Platform, p) {
			return false
		}
	}
	return true
}

// join has a node that sleeps build p, if it declares that.
func join(n *contexts.Node, p ocispec.Platform) bool {
	if !errors.Is(n.Err, contexts.ErrAsleep) {
		return false
	}
	awake := *n
	awake.Asleep, awake.Err = true, nil
	if awake.Match(p) == contexts.NoMatch {
		return false
	}
	n.Asleep, n.Err = true, nil
	return true
}

// sleeping returns the nodes that sleep and did not join a build, as such that
// may join it.
func sleeping(nodes contexts.Nodes) contexts.Nodes {
	var more contexts.Nodes
	for _, n := range nodes {
		if errors.Is(n.Err, contexts.ErrAsleep) {
			spare := *n
			spare.Asleep, spare.Err = true, nil
			more = append(more, &spare)
		}
	}
	return more
}

// wake has a node that can be started and stopped stay up for this build. It is
// called for several nodes at once.
func (s *session) wake(ctx context.Context, n *contexts.Node) (*contexts.Node, error) {
	settings := s.config.Node(n.Name)
	if !settings.Wakes() {
		return n, nil
	}
	m, err := node.NewMachine(s.cli, s.config, n, !s.input.options.noHooks) //nolint:contextcheck // the reaper outlives this command
	if err != nil {
		return nil, err
	}
	l := lease{machine: m}
	l.lease, err = m.Acquire(ctx)
	if err == nil && (n.Asleep || l.lease != nil) {
		n, err = n.Await(ctx, node.WaitOf(settings.Power))
	}
	if err == nil && settings.Deadman {
		l.renewed = renew(ctx, n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leases = append(s.leases, l)
	return n, err
}

// renew tells the node that it is in use, until it is ended.
func renew(ctx context.Context, n *contexts.Node) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = n.Renew(ctx) // what is wrong with the node the build will tell
			select {
			case <-ctx.Done():
			case <-time.After(renewEvery):
			}
		}
	}()
	return func() { cancel(); <-done }
}

// letSleep ends what this build had to do with nodes that it started, and stops
// those whose last build it was. When it was interrupted it does not wait for
// that: a process of its own does it.
func (s *session) letSleep(ctx context.Context) {
	var ending sync.WaitGroup
	for _, l := range s.leases {
		ending.Go(func() { s.end(ctx, l) })
	}
	ending.Wait()
}

func (s *session) end(ctx context.Context, l lease) {
	if l.renewed != nil {
		l.renewed()
	}
	name := l.machine.Name
	if l.lease != nil {
		l.lease.Release(ctx)
	}
	switch {
	case s.input.options.noHooks || l.machine.Store.Debt(name) == nil:
		return
	case ctx.Err() != nil:
		fmt.Fprintf(s.cli.Err(), "Node %s is stopped in the background.\n", progress.Clean(name))
		return
	}
	err := l.machine.Settle(ctx)
	switch {
	case err == nil:
		s.say("Stopped node %s\n", name)
	case errors.Is(err, power.ErrInUse) || errors.Is(err, power.ErrIdle) || errors.Is(err, power.ErrHeld):
		s.say("Node %s stays up: %v\n", name, err)
	}
}

// say is for what need not be said to who wants it quiet.
func (s *session) say(format string, name string, more ...any) {
	if !s.input.options.quiet {
		fmt.Fprint(s.cli.Err(), progress.Clean(fmt.Sprintf(format, append([]any{name}, more...)...)))
	}
}
