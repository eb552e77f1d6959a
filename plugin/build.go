package plugin

import (
	"context"
	"errors"
	"os"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"
)

func newBuildCommand(dockerCLI command.Cli, version string) *cobra.Command {
	o := newBuildOptions()
	cmd := &cobra.Command{
		Use:   "build [OPTIONS] PATH | URL | -",
		Short: "Build an image for several platforms, each on an engine of its own architecture",
		Args:  args(cli.ExactArgs(1)),
		RunE: run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			o.dir = args[0]
			return runBuild(ctx, dockerCLI, cmd, o, version)
		}),
	}
	o.addFlags(cmd)
	return cmd
}

// runBuild is one build from flags to result.
func runBuild(ctx context.Context, dockerCLI command.Cli, cmd *cobra.Command, o *buildOptions, version string) error {
	temporary, err := o.fetchContext(dockerCLI.In(), dockerCLI.Err())
	if temporary != "" {
		defer func() { _ = os.RemoveAll(temporary) }()
	}
	if err != nil {
		return err
	}
	in, err := o.read(dockerCLI.In())
	if err != nil {
		return err
	}
	s := &buildSession{
		cli: dockerCLI, input: in,
		registry:    newRegistry(dockerCLI, version, o.insecure),
		credentials: credentials{dockerCLI.ConfigFile()},
		history:     remembered(),
	}
	defer s.close()
	if err := s.prepare(ctx, cmd); err != nil {
		return err
	}
	if o.call != "" {
		return s.callFrontend(ctx)
	}
	s.printPlan()
	s.printSkipped()
	s.warnDockerfile(ctx)
	if o.dryRun {
		return nil
	}
	defer s.letSleep(ctx)
	err = s.execute(ctx)
	s.printSummary()
	if o.rmImages {
		err = errors.Join(err, s.removeImages(ctx))
	}
	if err != nil {
		return err
	}
	return s.report()
}
