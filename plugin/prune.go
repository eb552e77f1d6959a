package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/opts"
	"github.com/docker/go-units"
	dockerclient "github.com/moby/moby/client"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

type pruneOptions struct {
	all, force  bool
	filter      opts.FilterOpt
	keepStorage opts.MemBytes
}

// newPruneCommand is what docker builder prune becomes after docker multiarch
// install. Like that command it is about the current engine: every node's build
// cache is the engine's own.
func newPruneCommand(dockerCLI command.Cli) *cobra.Command {
	o := pruneOptions{filter: opts.NewFilterOpt()}
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove the build cache of the current engine",
		Example: `  docker multiarch prune
  docker multiarch prune --force --filter until=24h
  docker --context graviton multiarch prune --all`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runPrune(cmd.Context(), dockerCLI, o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.all, "all", "a", false, "Remove all unused build cache, not just dangling ones")
	flags.BoolVarP(&o.force, "force", "f", false, "Do not prompt for confirmation")
	flags.Var(&o.filter, "filter", `Provide filter values (e.g. "until=24h")`)
	flags.Var(&o.keepStorage, "keep-storage", "Amount of disk space to keep for cache")
	return cmd
}

// errNodeDown is returned when the engine that a command is about is not there.
var errNodeDown = errors.New("the engine gives no answer")

func runPrune(ctx context.Context, dockerCLI command.Cli, o pruneOptions) error {
	nodes, err := contexts.Load(dockerCLI, dockerCLI.CurrentContext())
	if err != nil {
		return err
	}
	defer func() { _ = nodes.Close() }()
	if !o.force {
		if err := confirm(ctx, dockerCLI, fmt.Sprintf("This will remove unused build cache of %s. Continue? [y/N] ", nodes[0].Name)); err != nil {
			return err
		}
	}
	if err := nodes.Probe(ctx, nil); err != nil {
		return err
	}
	if nodes[0].Err != nil {
		return fmt.Errorf("%w: %s: %w", errNodeDown, nodes[0].Name, nodes[0].Err)
	}
	pruned, err := nodes[0].Client().BuildCachePrune(ctx, dockerclient.BuildCachePruneOptions{
		All: o.all, Filters: o.filter.Value(), ReservedSpace: o.keepStorage.Value(),
	})
	if err != nil {
		return fmt.Errorf("pruning %s: %w", nodes[0].Name, err)
	}
	_, err = fmt.Fprintf(dockerCLI.Out(), "Total reclaimed space: %s\n", units.HumanSize(float64(pruned.Report.SpaceReclaimed)))
	return err
}

// confirm asks on standard error; anything but yes is no.
func confirm(ctx context.Context, dockerCLI command.Cli, question string) error {
	fmt.Fprint(dockerCLI.Err(), question)
	answer, err := bufio.NewReader(argument.Stdin(ctx, dockerCLI.In())).ReadString('\n')
	if err == nil && strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y") {
		return nil
	}
	return argument.Wrong(errors.New("nothing was removed"))
}
