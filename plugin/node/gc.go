package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/contexts/power"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
)

func newGCCommand(dockerCLI command.Cli) *cobra.Command {
	var forget []string
	cmd := &cobra.Command{
		Use:   "gc [OPTIONS]",
		Short: "Stop the nodes that were started for builds that are over",
		Long: `Stop the nodes that were started for builds that are over.

This happens by itself; here it happens now, and you see what can't be stopped.
A node that is gone for good is forgotten with --forget.`,
		Example: `  docker multiarch node gc`,
		Args:    cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runNodeGC(cmd.Context(), dockerCLI, forget)
		},
		ValidArgsFunction:     cobra.NoFileCompletions,
		DisableFlagsInUseLine: true,
	}
	cmd.Flags().StringSliceVar(&forget, "forget", nil, "Nodes that need not be stopped any more")
	completion.Flags(cmd, map[string]cobra.CompletionFunc{"forget": completion.List(completion.Contexts(dockerCLI))})
	return cmd
}

func runNodeGC(ctx context.Context, dockerCLI command.Cli, forget []string) error {
	store, err := powerStore(dockerCLI)
	if err != nil {
		return err
	}
	for _, name := range forget {
		if err := store.Forget(name); err != nil {
			return argument.Wrong(err)
		}
	}
	var errs []error
	for _, debt := range store.Debts() {
		err := settle(ctx, dockerCLI, debt.Node)
		switch {
		case err == nil:
			_, err = fmt.Fprintln(dockerCLI.Out(), progress.Clean(debt.Node))
			errs = append(errs, err)
		case errors.Is(err, power.ErrInUse) || errors.Is(err, power.ErrIdle) || errors.Is(err, power.ErrHeld):
			fmt.Fprintf(dockerCLI.Err(), "Node %s stays up: %s\n", progress.Clean(debt.Node), progress.Clean(err.Error()))
		default:
			errs = append(errs, fmt.Errorf("node %s: %w", debt.Node, err))
		}
	}
	return errors.Join(errs...)
}

func settle(ctx context.Context, dockerCLI command.Cli, name string) error {
	m, err := loadMachine(dockerCLI, name)
	if err != nil {
		return err
	}
	defer m.release()
	return m.Settle(ctx)
}
