package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	dockerconfig "github.com/docker/cli/cli/config"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/contexts/power"
)

// reapCommand is the command of the process that settles a debt. It is told the
// node's name and nothing else; what to run it reads in the configuration.
const reapCommand = "reap"

// NoHooksFlag is the flag of a command that must start and stop no nodes.
const NoHooksFlag = "no-hooks"

func newReapCommand(dockerCLI command.Cli) *cobra.Command {
	return &cobra.Command{
		Use:    reapCommand + " NODE",
		Short:  "Stop a node when its last build is over",
		Hidden: true,
		Args:   cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return reap(cmd.Context(), dockerCLI, args[0])
		},
	}
}

func reap(ctx context.Context, dockerCLI command.Cli, name string) error {
	m, err := loadMachine(dockerCLI, name)
	if err != nil {
		store, storeErr := powerStore(dockerCLI)
		if storeErr != nil {
			return storeErr
		}
		return errors.Join(err, store.Note(ctx, name, err))
	}
	defer m.release()
	return m.Reap(ctx)
}

// startReaper starts this program again, as a process that outlives this one.
func startReaper(dockerCLI command.Cli, name string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	// It must not end with this command, so it gets no context of it.
	cmd := exec.CommandContext(context.Background(), self, "multiarch", "node", reapCommand, name) //nolint:gosec // this program
	cmd.Env = reaperEnvironment(os.Environ(), filepath.Dir(configPath(dockerCLI)))
	cmd.Dir = filepath.Dir(self)
	power.Detach(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the process that stops it: %w", err)
	}
	return cmd.Process.Release()
}

// reaperEnvironment leaves out what was for this command only: where docker
// points to, and the socket by which docker ends its plugins.
func reaperEnvironment(all []string, dir string) []string {
	env := slices.DeleteFunc(slices.Clone(all), func(variable string) bool { return strings.HasPrefix(variable, "DOCKER_") })
	return append(env, dockerconfig.EnvOverrideConfigDir+"="+dir)
}

// MindDebts has every command under cmd look after nodes that have to be stopped
// yet: each gets a process that does it, and what can't be done is said.
func MindDebts(dockerCLI command.Cli, cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		MindDebts(dockerCLI, c)
	}
	if inner := cmd.RunE; inner != nil && cmd.Name() != reapCommand {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			err := inner(cmd, args)
			remindOfDebts(dockerCLI, hooksAllowed(cmd))
			return err
		}
	}
}

// hooksAllowed says that no --no-hooks was given.
func hooksAllowed(cmd *cobra.Command) bool {
	flag := cmd.Flags().Lookup(NoHooksFlag)
	return flag == nil || flag.Value.String() == "false"
}

func remindOfDebts(dockerCLI command.Cli, hooks bool) {
	store, err := powerStore(dockerCLI)
	if err != nil {
		return // nothing can be remembered then
	}
	for _, debt := range store.Debts() {
		if debt.Held {
			continue
		}
		if hooks && !store.Reaped(debt.Node) {
			if err := startReaper(dockerCLI, debt.Node); err != nil && debt.Failure == "" {
				debt.Failure = err.Error()
			}
		}
		if debt.Failure != "" {
			fmt.Fprintf(dockerCLI.Err(), "Not stopped yet: node %s, started %s: %s\n  Try: docker multiarch node stop %[1]s\n",
				progress.Clean(debt.Node), debt.Since.Local().Format(time.DateTime), oneLine(debt.Failure))
		}
	}
}
