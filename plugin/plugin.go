package plugin

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/docker/cli/cli-plugins/metadata"
	"github.com/docker/cli/cli-plugins/plugin"
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"
)

// pluginName is the command behind docker.
const pluginName = "multiarch"

// Main runs the plugin and exits the process. version is the plugin's own.
func Main(version string) {
	plugin.Run(func(dockerCLI command.Cli) *cobra.Command {
		return NewCommand(dockerCLI, version)
	}, metadata.Metadata{
		SchemaVersion: "0.1.0",
		Vendor:        "docker multiarch authors",
		Version:       version,
		URL:           "https://github.com/docker-multiarch/docker-multiarch",
	})
}

// NewCommand returns the command "multiarch" with all its subcommands.
func NewCommand(dockerCLI command.Cli, version string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   pluginName,
		Short: "Build images for several platforms on the engines you have",
		Args:  args(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(dockerCLI.Err())
			return cmd.Help()
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fail(usage(err)) })
	cmd.AddCommand(
		newBuildCommand(dockerCLI, version),
		newCheckCommand(dockerCLI, version),
		newInspectCommand(dockerCLI, version),
		newCreateCommand(dockerCLI, version),
		newCopyCommand(dockerCLI, version),
		newUntagCommand(dockerCLI, version),
		newNodeCommand(dockerCLI),
		newInstallCommand(dockerCLI),
		newUninstallCommand(dockerCLI),
		newPruneCommand(dockerCLI),
	)
	mindDebts(dockerCLI, cmd)
	return cmd
}

// args makes a wrong number of arguments, or an unknown command, wrong usage.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := check(cmd, given); err != nil {
			return fail(usage(err))
		}
		return nil
	}
}

// run makes a cobra function of a command's own: the context it gets ends with
// an interrupt, and its error becomes what the user sees and the exit code.
func run(f func(ctx context.Context, cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		// From the first signal on the next one has its usual effect: it
		// ends the process.
		defer context.AfterFunc(ctx, stop)()
		err := f(ctx, cmd, args)
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", errInterrupted, err)
		}
		return fail(err)
	}
}
