package builder

import (
	"sync"
	"time"

	"github.com/docker/cli/cli/command"
	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/contexts/history"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// cleanupTimeout bounds what is done after a build that was interrupted.
const cleanupTimeout = 4 * time.Second

// tokenTimeout bounds how long a node waits for a token; longer than that it would
// not itself.
const tokenTimeout = 10 * time.Second

// session is one run of the build command, step by step.
type session struct {
	cli         command.Cli
	input       *input
	registry    *manifest.Registry
	relay       *relay
	credentials registry.Credentials
	history     *history.History // nil when there is none
	config      *config.Config

	nodes    contexts.Nodes
	probed   chan struct{} // closed when nodes is there, or never will be
	spares   contexts.Nodes
	snapshot *source.Snapshot
	// sharedKey is how engines know the build context from one run to the next.
	sharedKey string

	before map[string]digest.Digest // what the targets had before the build

	plan     build.Plan
	requests map[string]build.Request // by platform
	hosts    []string                 // registries that nodes read from
	results  []build.Result

	// directories are those of named contexts, by path.
	directories map[string]*source.Snapshot

	tokenless sync.Map // hosts of registries without tokens

	mu       sync.Mutex
	leases   []lease                   // of the nodes that this build uses and may have to stop
	children map[string]manifest.Child // by where they were pushed to, see childKey
	index    manifest.Index
	warnings []string // of images that were built
}

func (s *session) close() {
	_ = s.nodes.Close()
	if s.history != nil {
		_ = s.history.Close()
	}
	if s.snapshot != nil {
		_ = s.snapshot.Close()
	}
	for _, dir := range s.directories {
		_ = dir.Close()
	}
}
