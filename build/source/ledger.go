package source

import (
	"maps"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
)

// ledger holds what any node was told of, with the digest of every file that was
// sent to any node, and "" for what was not sent.
type ledger struct {
	mu      sync.Mutex
	digests map[string]digest.Digest
}

func newLedger() *ledger { return &ledger{digests: map[string]digest.Digest{}} }

// announce notes that a node was told of path: it uses the file, sent or not.
func (l *ledger) announce(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, told := l.digests[path]; !told {
		l.digests[path] = ""
	}
}

// used returns the paths that nodes were told of, in order.
func (l *ledger) used() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.digests))
}

// record notes what was sent for path. Two nodes that were sent different
// bytes for one path are an ErrChanged.
func (l *ledger) record(path string, d digest.Digest) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before := l.digests[path]; before != "" && before != d {
		return changed(path, "two nodes would have been sent different content")
	}
	l.digests[path] = d
	return nil
}
