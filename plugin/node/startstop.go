package node

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
)

// errNoCommand is returned for a node that has no start command.
var errNoCommand = errors.New("has no start and stop commands in multiarch.yaml")

func newStartCommand(dockerCLI command.Cli) *cobra.Command {
	return &cobra.Command{
		Use:   "start NODE [NODE...]",
		Short: "Start one or more nodes, and wait for their engines",
		Long: `Start one or more nodes, and wait for their engines.

The start command of multiarch.yaml is run. A node that was started by hand stays
up until docker multiarch node stop.`,
		Example: `  docker multiarch node start graviton`,
		Args:    cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return eachMachine(dockerCLI, names, func(m *Machine) error { return startNode(cmd.Context(), dockerCLI, m) })
		},
		ValidArgsFunction:     completion.Contexts(dockerCLI),
		DisableFlagsInUseLine: true,
	}
}

func newStopCommand(dockerCLI command.Cli) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "stop [OPTIONS] NODE [NODE...]",
		Short: "Stop one or more nodes",
		Long: `Stop one or more nodes.

The stop command of multiarch.yaml is run, unless a build of yours uses the node
or a container runs on it.`,
		Example: `  docker multiarch node stop graviton`,
		Args:    cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return eachMachine(dockerCLI, names, func(m *Machine) error { return m.StopNow(cmd.Context(), force) })
		},
		ValidArgsFunction:     completion.Contexts(dockerCLI),
		DisableFlagsInUseLine: true,
	}
	cmd.Flags().BoolVar(&force, "force", false, "Stop it whatever runs there")
	return cmd
}

// loadMachines loads the nodes with these names, which must be such as can be
// started.
func loadMachines(dockerCLI command.Cli, names []string) (all []*Machine, release func(), err error) {
	release = func() {
		for _, m := range all {
			m.release()
		}
	}
	for _, name := range names {
		m, err := loadMachine(dockerCLI, name)
		if err != nil {
			release()
			return nil, nil, err
		}
		if all = append(all, m); !m.Wakes() {
			release()
			return nil, nil, argument.Wrong(fmt.Errorf("node %s %w", name, errNoCommand))
		}
	}
	return all, release, nil
}

// eachMachine does something to the nodes with these names, all at once, and
// prints the names of those where it worked.
func eachMachine(dockerCLI command.Cli, names []string, do func(*Machine) error) error {
	machines, release, err := loadMachines(dockerCLI, names)
	if err != nil {
		return err
	}
	defer release()
	errs := make([]error, len(names))
	var doing sync.WaitGroup
	for i, m := range machines {
		doing.Go(func() { errs[i] = do(m) })
	}
	doing.Wait()
	for i, name := range names {
		if errs[i] == nil {
			_, errs[i] = fmt.Fprintln(dockerCLI.Out(), name)
		} else {
			errs[i] = fmt.Errorf("node %s: %w", name, errs[i])
		}
	}
	return errors.Join(errs...)
}

// startNode starts a node until it is stopped by hand. Should this process be
// killed before it is up, it is stopped like after a build.
func startNode(ctx context.Context, dockerCLI command.Cli, m *Machine) error {
	lease, err := m.Acquire(ctx)
	if err != nil {
		return err
	}
	if lease != nil {
		defer lease.Release(ctx)
	}
	if _, err := m.node.Await(ctx, WaitOf(m.Power)); err != nil {
		return err
	}
	if lease == nil {
		return nil
	}
	if !m.Deadman {
		fmt.Fprintf(dockerCLI.Err(), "Node %s has no dead-man timer (deadman: true in multiarch.yaml): if this machine is lost, nobody stops it.\n", progress.Clean(m.Name))
	}
	return m.Hold(ctx)
}
