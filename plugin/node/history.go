package node

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/history"
)

const (
	// deadFor is how long a node that was found dead is given little time,
	// which is deadTimeout.
	deadFor     = 5 * time.Minute
	deadTimeout = time.Second
)

// stateDir is where the platform wants programs to keep what they remember.
func stateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "docker-multiarch"), nil
	}
	switch runtime.GOOS {
	case "windows":
		dir, err := os.UserCacheDir()
		return filepath.Join(dir, "docker-multiarch"), err
	case "darwin": // where nobody clears caches: a stop that is owed must not be lost
		dir, err := os.UserConfigDir()
		return filepath.Join(dir, "docker-multiarch"), err
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "docker-multiarch"), err
}

// Remembered opens the history of nodes. Without one everything works, only
// without memory, so that failing is no error.
func Remembered() *history.History {
	dir, err := stateDir()
	if err != nil {
		return nil
	}
	h, err := history.Open(dir)
	if err != nil {
		return nil
	}
	return h
}

// ApplyHistory gives nodes that were dead a moment ago little time to answer,
// unless the user asked for them by name.
func ApplyHistory(h *history.History, nodes contexts.Nodes, named []string) {
	if h == nil || len(named) > 0 {
		return
	}
	for _, n := range nodes {
		if time.Since(h.Node(n.Name, n.Host).Dead) < deadFor {
			n.Timeout = deadTimeout
		}
	}
}

// NoteProbes remembers which nodes gave no answer.
func NoteProbes(h *history.History, nodes contexts.Nodes) {
	if h == nil {
		return
	}
	for _, n := range nodes {
		known := h.Node(n.Name, n.Host)
		switch {
		case n.Usable():
			known.Dead = time.Time{}
		case n.Err != nil && !errors.Is(n.Err, contexts.ErrAsleep) && !errors.Is(n.Err, contexts.ErrNotAwaited) && !errors.Is(n.Err, contexts.ErrSameEngine):
			known.Dead = time.Now()
		}
	}
}

// IsNew says whether a remote node would be sent files for the first time.
func IsNew(h *history.History, n *contexts.Node) bool {
	return h != nil && !n.Local() && h.Node(n.Name, n.Host).Received.IsZero()
}

// RecentNodes returns the nodes that built the project last.
func RecentNodes(h *history.History, project string) []string {
	if h == nil || h.Projects[project] == nil {
		return nil
	}
	return h.Projects[project].Nodes
}
