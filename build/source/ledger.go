package source

import (
	"maps"
	"slices"
	"sync"

	"github.com/opencontainers/go-digest"
)

// ledger holds the digest of every file that was sent to any node.
type ledger struct {
	mu      sync.Mutex
	digests map[string]digest.Digest
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
	return nil
}

func (l *ledger) paths() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.digests))
}
