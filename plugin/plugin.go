package plugin

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli-plugins/metadata"
	"github.com/docker/cli/cli-plugins/plugin"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/debug"
	"github.com/docker/cli/cli/flags"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/builder"
	"github.com/docker-multiarch/docker-multiarch/plugin/dockerfile"
	"github.com/docker-multiarch/docker-multiarch/plugin/image"
	"github.com/docker-multiarch/docker-multiarch/plugin/node"
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
		Args:  cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(dockerCLI.Err())
			return cmd.Help()
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return fail(cmd.CommandPath(), argument.Wrong(err)) })
	cmd.AddCommand(
		builder.NewCommand(dockerCLI, version),
		dockerfile.NewCheckCommand(dockerCLI, version),
		image.NewInspectCommand(dockerCLI, version),
		image.NewCreateCommand(dockerCLI, version),
		image.NewCopyCommand(dockerCLI, version),
		image.NewUntagCommand(dockerCLI, version),
		node.NewCommand(dockerCLI),
		newInstallCommand(dockerCLI),
		newUninstallCommand(dockerCLI),
		newPruneCommand(dockerCLI),
		newVersionCommand(dockerCLI, version),
	)
	explainErrors(cmd)
	node.MindDebts(dockerCLI, cmd)
	return cmd
}

// explainErrors has every command under cmd tell the user what its errors mean: see
// errors.go. The context that a command gets ends with an interrupt.
func explainErrors(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		explainErrors(c)
	}
	if cmd.Args != nil {
		cmd.Args = explainedArgs(cmd.Args)
	}
	if cmd.RunE != nil {
		cmd.RunE = explainedRun(cmd.RunE)
	}
}

// explainedArgs makes a wrong number of arguments, or an unknown command, wrong
// usage.
func explainedArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		if err := check(cmd, given); err != nil {
			return fail(cmd.CommandPath(), argument.Wrong(err))
		}
		return nil
	}
}

// interrupts are the signals that end a command: that of a terminal which is closed
// too, unless nohup has it ignored.
func interrupts() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// quietLibraries leaves what libraries log to those who debug: it is about them and not about the user's work.
func quietLibraries() {
	if !debug.IsEnabled() {
		flags.SetLogLevel("error")
	}
}

func explainedRun(inner func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		quietLibraries()
		ctx, stop := signal.NotifyContext(cmd.Context(), interrupts()...)
		defer stop()
		// From the first signal on the next one has its usual effect: it
		// ends the process.
		defer context.AfterFunc(ctx, stop)()
		cmd.SetContext(ctx)
		err := inner(cmd, args)
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", errInterrupted, err)
		}
		return fail(cmd.CommandPath(), err)
	}
}
