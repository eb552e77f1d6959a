package source

import (
	"maps"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
)

// ledger holds what any node was told of, and the digest of every file that was
// sent to any node.
type ledger struct {
	mu        sync.Mutex
	announced map[string]bool
	digests   map[string]digest.Digest
}

// announce notes that a node was told of path: it uses the file, sent or not.
func (l *ledger) announce(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.announced == nil {
		l.announced = map[string]bool{}
	}
	l.announced[path] = true
}

// used returns the paths that nodes were told of, in order.
func (l *ledger) used() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.announced))
}

// record notes what was sent for path. Two nodes that were sent different
// bytes for one path are an ErrChanged.
func (l *ledger) record(path string, d digest.Digest) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, ok := l.digests[path]; ok && before != d {
		return changed(path, "two nodes would have been sent different content")
	}
	if l.digests == nil {
		l.digests = map[string]digest.Digest{}
	}
	l.digests[path] = d
	if l.announced == nil {
		l.announced = map[string]bool{}
	}
	l.announced[path] = true
	return nil
}

func (l *ledger) paths() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.digests))
}
