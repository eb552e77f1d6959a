package node

import (
	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"
)

// NewCommand returns the command node with those below it.
func NewCommand(dockerCLI command.Cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Manage build nodes",
		Long: `Manage build nodes.

Every Docker context is a build node, unless multiarch.yaml in the Docker
configuration directory says otherwise.`,
		Args:                  cli.NoArgs,
		RunE:                  command.ShowHelp(dockerCLI.Err()),
		DisableFlagsInUseLine: true,
	}
	cmd.AddCommand(
		newLsCommand(dockerCLI),
		newInspectCommand(dockerCLI),
		newExcludeCommand(dockerCLI),
		newIncludeCommand(dockerCLI),
		newUseCommand(dockerCLI),
		newConfigCommand(dockerCLI),
		newStartCommand(dockerCLI),
		newStopCommand(dockerCLI),
		newStatusCommand(dockerCLI),
		newGCCommand(dockerCLI),
		newReapCommand(dockerCLI),
	)
	return cmd
}
