package plugin

import (
	"context"
	"os"

	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// loadNodes returns the nodes that a command may use: those named with --node,
// else the one engine the user pointed docker at explicitly, else every
// context. Nothing is dialled.
func loadNodes(dockerCLI command.Cli, cmd *cobra.Command, names []string) (contexts.Nodes, error) {
	if len(names) == 0 && explicitContext(cmd) {
		names = []string{dockerCLI.CurrentContext()}
	}
	return contexts.Load(dockerCLI, names...)
}

// explicitContext says whether the user chose one engine for this command:
// docker -c or -H, DOCKER_CONTEXT or DOCKER_HOST.
func explicitContext(cmd *cobra.Command) bool {
	global := cmd.Root().Flags()
	return global.Changed("context") || global.Changed("host") ||
		os.Getenv(command.EnvOverrideContext) != "" || os.Getenv("DOCKER_HOST") != ""
}

// probeNodes loads and probes.
func probeNodes(ctx context.Context, dockerCLI command.Cli, cmd *cobra.Command, names []string) (contexts.Nodes, error) {
	nodes, err := loadNodes(dockerCLI, cmd, names)
	if err != nil {
		return nil, err
	}
	return nodes, nodes.Probe(ctx, nil)
}
