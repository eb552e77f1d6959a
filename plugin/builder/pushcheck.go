package builder

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/distribution/reference"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// LoopbackError is returned for a target that means another registry on a node
// than it does here.
type LoopbackError struct {
	// Registry is what both call it.
	Registry string
	Node     *contexts.Node
}

func (e *LoopbackError) Error() string {
	return fmt.Sprintf("%s is this machine's own registry, and node %s (%s) is another machine", e.Registry, e.Node.Name, e.Node.Host)
}

const (
	// registryTimeout is how long registries may take to answer what is asked of
	// them before a build.
	registryTimeout = time.Minute
	// parallelLookups is how many targets are looked up at once.
	parallelLookups = 8
)

var errSilentRegistry = fmt.Errorf("no answer within %s", registryTimeout)

// mayPush finds out before the build whether the user may push to the repositories
// of all targets. A dry run asks nothing of a registry that it could keep.
func (s *session) mayPush(ctx context.Context) error {
	if s.input.options.dryRun {
		return nil
	}
	asked := map[string]bool{}
	checks, ctx := errgroup.WithContext(ctx)
	checks.SetLimit(parallelLookups)
	for _, target := range s.input.targets {
		if asked[target.Name()] {
			continue
		}
		asked[target.Name()] = true
		checks.Go(func() error { return s.registry.CheckPush(ctx, target) })
	}
	return checks.Wait()
}

// plain allows a registry without TLS, if an engine of the candidates lists it as
// insecure: it is what the engine will speak with it, and the engine gets the login.
// It waits for the engines to answer.
func (s *session) plain(ctx context.Context, host string) bool {
	select {
	case <-s.probed:
	case <-ctx.Done():
		return false
	}
	return slices.ContainsFunc(s.nodes, func(n *contexts.Node) bool { return n.Usable() && n.Engine.Insecure(host) })
}

// checkLoopback refuses to have an engine on another machine push to localhost: it
// would look for the registry on its own machine.
func checkLoopback(plan build.Plan) error {
	hostname, _ := os.Hostname() // without a name nobody knows which machine is another one
	for _, a := range plan {
		for _, name := range a.Pushes {
			if !a.Node.Relay && a.Node.Elsewhere(hostname) && isLoopback(reference.Domain(name)) {
				return argument.Wrong(&LoopbackError{Registry: reference.Domain(name), Node: a.Node})
			}
		}
	}
	return nil
}

// isLoopback tells whether a registry's address means the machine that uses it.
func isLoopback(domain string) bool {
	host, _, err := net.SplitHostPort(domain)
	if err != nil {
		host = domain
	}
	return contexts.Loopback(host)
}
