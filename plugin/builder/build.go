package builder

import (
	"context"
	"errors"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// NewCommand returns the command build. version is the plugin's own.
func NewCommand(dockerCLI command.Cli, version string) *cobra.Command {
	o := newOptions()
	cmd := &cobra.Command{
		Use:   "build [OPTIONS] PATH | URL | -",
		Short: "Build an image for several platforms, each on an engine of its own architecture",
		Long: `Build an image for several platforms, each on an engine of its own architecture.

Every Docker context is a build node. The plan (which platform on which node) is
printed before anything is sent; --dry-run stops there. The images are tagged on
their nodes; with --push they are pushed and published as one image for all
platforms, at once or not at all.

The values of many flags can be for one platform: linux/arm64:VALUE.`,
		Example: `  docker multiarch build --dry-run .
  docker multiarch build --tag app .
  docker multiarch build --tag registry.example.com/app:1 --push .
  docker multiarch build --platform linux/amd64,linux/arm64 --tag registry.example.com/app:1 --push .
  docker multiarch build --node linux/arm64:graviton --tag app .
  docker multiarch build --file linux/arm64:Dockerfile.arm64 --tag app .
  docker multiarch build --test 'app --version' --tag registry.example.com/app:1 --push .`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.dir = args[0]
			// As docker build does: these are not given.
			for _, values := range []*argument.PlatformValues{&o.file, &o.cacheFrom, &o.cacheTo} {
				values.DropEmpty()
			}
			return runBuild(cmd.Context(), dockerCLI, cmd, o, version)
		},
	}
	o.addFlags(cmd)
	o.complete(cmd, dockerCLI)
	return cmd
}

// runBuild is one build from flags to result.
func runBuild(ctx context.Context, dockerCLI command.Cli, cmd *cobra.Command, o *options, version string) (err error) {
	stdin := argument.Stdin(ctx, dockerCLI.In())
	remove, err := o.fetchContext(ctx, stdin, dockerCLI.Err())
	if remove != nil {
		defer func() { err = errors.Join(err, remove()) }()
	}
	if err != nil {
		return err
	}
	s, err := newSession(dockerCLI, cmd, o, version, stdin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.prepare(ctx, cmd); err != nil {
		return err
	}
	if o.call != "" {
		return s.callFrontend(ctx)
	}
	s.printPlan()
	s.printSkipped()
	s.warnDockerfile(ctx)
	s.warnCaches()
	s.warnIgnored()
	if o.dryRun {
		return nil
	}
	defer s.letSleep(ctx)
	err = s.execute(ctx)
	s.printSummary(ctx)
	if o.rmImages {
		err = errors.Join(err, s.removeImages(ctx))
	}
	if err != nil {
		return err
	}
	return s.report()
}
