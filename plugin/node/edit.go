package node

import (
	"fmt"
	"slices"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
)

func newExcludeCommand(dockerCLI command.Cli) *cobra.Command {
	return newNodeEdit(dockerCLI, config.Exclude, &cobra.Command{
		Use:   "exclude CONTEXT [CONTEXT...]",
		Short: "Never build on one or more contexts",
		Long: `Never build on one or more contexts.

Nothing is sent to them, and they are not contacted. This is written to
multiarch.yaml in the Docker configuration directory.`,
		Example: `  docker multiarch node exclude production staging`,
	})
}

func newIncludeCommand(dockerCLI command.Cli) *cobra.Command {
	return newNodeEdit(dockerCLI, config.Include, &cobra.Command{
		Use:   "include CONTEXT [CONTEXT...]",
		Short: "Build on one or more contexts again",
		Long: `Build on one or more contexts again.

This undoes docker multiarch node exclude. Where multiarch.yaml lists the nodes
explicitly, the contexts are added to the list.`,
		Example: `  docker multiarch node include staging`,
	})
}

func newUseCommand(dockerCLI command.Cli) *cobra.Command {
	return newNodeEdit(dockerCLI, config.Use, &cobra.Command{
		Use:   "use CONTEXT [CONTEXT...]",
		Short: "Build on these contexts alone, in this order of preference",
		Long: `Build on these contexts alone, in this order of preference.

Contexts that are created later are no nodes until they are included. This is
written to multiarch.yaml in the Docker configuration directory.`,
		Example: `  docker multiarch node use graviton laptop`,
	})
}

// newNodeEdit completes a command that changes multiarch.yaml by edit.
func newNodeEdit(dockerCLI command.Cli, edit func(path string, names ...string) error, cmd *cobra.Command) *cobra.Command {
	cmd.Args = cli.RequiresMinArgs(1)
	cmd.ValidArgsFunction = completion.Contexts(dockerCLI)
	cmd.DisableFlagsInUseLine = true
	cmd.RunE = func(_ *cobra.Command, names []string) error {
		known, err := knownContexts(dockerCLI)
		if err != nil {
			return err
		}
		for _, name := range names {
			if !slices.Contains(known, name) {
				return fmt.Errorf("%w: %q", contexts.ErrUnknownContext, name)
			}
		}
		if err := edit(configPath(dockerCLI), names...); err != nil {
			return err
		}
		return printNodes(dockerCLI)
	}
	return cmd
}

// printNodes says which contexts are nodes now, and where that is written.
func printNodes(dockerCLI command.Cli) error {
	c, err := config.Read(configPath(dockerCLI))
	if err != nil {
		return err
	}
	nodes, err := contexts.Load(dockerCLI)
	if err != nil {
		return err
	}
	defer func() { _ = nodes.Close() }()
	used, excluded := candidates(nodes, c)
	fmt.Fprintf(dockerCLI.Err(), "%s\nNodes:    %s\nExcluded: %s\n", c.Path, listNodes(used), listNodes(excluded))
	return nil
}

func listNodes(nodes contexts.Nodes) string {
	if len(nodes) == 0 {
		return "none"
	}
	return progress.Clean(strings.Join(Names(nodes), ", "))
}
