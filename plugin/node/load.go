package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/docker/cli/cli/command"
	dockerconfig "github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/context/store"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// configPath is where multiarch.yaml is, or would be.
func configPath(dockerCLI command.Cli) string {
	dir := dockerconfig.Dir()
	if name := dockerCLI.ConfigFile().Filename; name != "" {
		dir = filepath.Dir(name)
	}
	return filepath.Join(dir, config.FileName)
}

// ReadConfig reads multiarch.yaml and checks it against the user's contexts.
func ReadConfig(dockerCLI command.Cli) (*config.Config, error) {
	c, err := config.Read(configPath(dockerCLI))
	if err != nil {
		return nil, err
	}
	known, err := knownContexts(dockerCLI)
	if err != nil {
		return nil, err
	}
	return c, c.Check(known)
}

func knownContexts(dockerCLI command.Cli) ([]string, error) {
	names, err := store.Names(dockerCLI.ContextStore())
	if err != nil {
		return nil, fmt.Errorf("listing Docker contexts: %w", err)
	}
	return names, nil
}

// Load returns the nodes that a command may use: those named with --node,
// else the one engine the user pointed docker at explicitly, else every
// context that the configuration does not exclude. Nothing is dialled.
func Load(dockerCLI command.Cli, cmd *cobra.Command, c *config.Config, names []string) (contexts.Nodes, error) {
	if len(names) == 0 && ExplicitContext(cmd) {
		names = []string{dockerCLI.CurrentContext()}
	}
	for _, name := range names {
		if c.Node(name).Exclude {
			return nil, argument.Wrong(fmt.Errorf("context %q is excluded (%s); to use it: docker multiarch node include %s",
				name, excludedReason(name, c), name))
		}
	}
	nodes, err := contexts.Load(dockerCLI, names...)
	if err != nil {
		return nil, err
	}
	used, excluded := candidates(nodes, c)
	if len(names) > 0 {
		return nodes, nil // in the order of names
	}
	return used, excluded.Close()
}

// loadAll reads multiarch.yaml and loads every context, whether it may be used or
// not. Nothing is dialled.
func loadAll(dockerCLI command.Cli) (*config.Config, contexts.Nodes, error) {
	c, err := ReadConfig(dockerCLI)
	if err != nil {
		return nil, nil, err
	}
	nodes, err := contexts.Load(dockerCLI)
	return c, nodes, err
}

// candidates gives every node what the configuration says of it, and parts
// those that may be used from those that may not. The ones that the
// configuration lists come first, in its order.
func candidates(nodes contexts.Nodes, c *config.Config) (used, excluded contexts.Nodes) {
	ordered := slices.Clone(nodes)
	ordered.Order(c.Names(), nil)
	for _, n := range ordered {
		configure(n, c)
		if c.Uses(n.Name) {
			used = append(used, n)
		} else {
			excluded = append(excluded, n)
		}
	}
	return used, excluded
}

// configure gives a node what the configuration says of it.
func configure(n *contexts.Node, c *config.Config) {
	settings := c.Node(n.Name)
	n.Declares = settings.Platforms
	n.Parallel = settings.Parallel
	n.Builder = contexts.Builder(settings.Builder)
	n.Relay = settings.Relay
	n.Insecure = settings.Insecure
	n.Timeout = c.ProbeTimeout
}

// ExplicitContext says whether the user chose one engine for this command:
// docker -c or -H, DOCKER_CONTEXT or DOCKER_HOST.
func ExplicitContext(cmd *cobra.Command) bool {
	global := cmd.Root().Flags()
	return global.Changed("context") || global.Changed("host") ||
		os.Getenv(command.EnvOverrideContext) != "" || os.Getenv("DOCKER_HOST") != ""
}

// Probe loads and probes all nodes that a command may use.
func Probe(ctx context.Context, dockerCLI command.Cli, cmd *cobra.Command) (contexts.Nodes, error) {
	c, err := ReadConfig(dockerCLI)
	if err != nil {
		return nil, err
	}
	nodes, err := Load(dockerCLI, cmd, c, nil)
	if err != nil {
		return nil, err
	}
	return nodes, nodes.Probe(ctx, nil)
}

// Names returns the names of nodes.
func Names(nodes contexts.Nodes) []string {
	names := make([]string, len(nodes))
	for i, n := range nodes {
		names[i] = n.Name
	}
	return names
}
