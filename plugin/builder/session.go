package builder

import (
	"io"
	"sync"
	"time"

	"github.com/docker/cli/cli/command"
	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/contexts/history"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/node"
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

// newSession reads settings and flags. Nobody is talked to.
func newSession(dockerCLI command.Cli, cmd *cobra.Command, o *options, version string, stdin io.Reader) (*session, error) {
	settings, err := node.ReadConfig(dockerCLI)
	if err != nil {
		return nil, err
	}
	if !node.ExplicitContext(cmd) {
		o.settled = settings.Platforms
	}
	in, err := o.read(stdin)
	if err != nil {
		return nil, err
	}
	s := &session{
		cli: dockerCLI, input: in, config: settings,
		credentials: registry.Credentials{Config: dockerCLI.ConfigFile()},
		probed:      make(chan struct{}),
	}
	s.registry = registry.New(dockerCLI, version, o.insecure, manifest.WithPlain(s.plain))
	if s.relay, err = newRelay(s.registry); err != nil {
		return nil, err
	}
	s.history = node.Remembered()
	return s, nil
}

// close returns what keeps images from being deleted here.
func (s *session) close() error {
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
	return s.relay.close()
}
