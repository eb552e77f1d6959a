package build

import (
	"context"
	"fmt"
	"sync"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// schedule hands nodes to platforms: each node builds a few platforms at once,
// and a node that was lost is handed out no more.
type schedule struct {
	mu      sync.Mutex
	running map[*contexts.Node]int
	awake   map[*contexts.Node]func() (*contexts.Node, error)
	lost    map[*contexts.Node]error
	changed chan struct{} // closed and replaced when a node becomes free or lost
}

func newSchedule() *schedule {
	return &schedule{
		running: map[*contexts.Node]int{}, awake: map[*contexts.Node]func() (*contexts.Node, error){},
		lost: map[*contexts.Node]error{}, changed: make(chan struct{}),
	}
}

// take returns the first of candidates that has room, and waits for one if
// none has. A node that matches p better is waited for, not passed over, unless
// it was lost. It fails when all were lost, or when ctx ends.
func (s *schedule) take(ctx context.Context, candidates contexts.Nodes, p ocispec.Platform) (*contexts.Node, error) {
	for {
		node, wait, err := s.try(candidates, p)
		if node != nil || err != nil {
			return node, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (s *schedule) try(candidates contexts.Nodes, p ocispec.Platform) (_ *contexts.Node, wait <-chan struct{}, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := fmt.Errorf("%w: no node is left", ErrNodeLost)
	best := contexts.NoMatch
	for _, n := range candidates {
		if lost := s.lost[n]; lost != nil {
			err = lost
			continue
		}
		if best = max(best, n.Match(p)); n.Match(p) < best {
			break
		}
		if s.running[n] < max(n.Parallel, 1) {
			s.running[n]++
			return n, nil, nil
		}
		wait = s.changed
	}
	if wait != nil {
		return nil, wait, nil
	}
	return nil, nil, err
}

// give returns a node; lost is why it can't be used again, or nil.
func (s *schedule) give(n *contexts.Node, lost error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[n]--
	if lost != nil {
		s.lost[n] = lost
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// others says whether any of candidates is left.
func (s *schedule) others(candidates contexts.Nodes) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range candidates {
		if s.lost[n] == nil {
			return true
		}
	}
	return false
}

// wake calls f once for each node, and returns to all who ask what came of it.
func (s *schedule) wake(n *contexts.Node, f func() (*contexts.Node, error)) (*contexts.Node, error) {
	s.mu.Lock()
	once := s.awake[n]
	if once == nil {
		once = sync.OnceValues(f)
		s.awake[n] = once
	}
	s.mu.Unlock()
	return once()
}
