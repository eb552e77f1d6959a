package node

import (
	"context"
	"fmt"
	"os"

	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

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
