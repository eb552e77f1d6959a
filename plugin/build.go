package plugin

import (
	"context"
	"errors"
	"os"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/opts"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
)

// buildOptions are the flags of build, as the user typed them.
type buildOptions struct {
	dir          string
	tags         []string
	platforms    []string
	file         string
	buildArgs    opts.ListOpts
	labels       opts.ListOpts
	target       string
	noCache      bool
	pull         bool
	nodes        []string
	emulate      []string
	allowMissing []string
	keepGoing    bool
	rmImages     bool
	push         bool
	platformTag  string
	progress     string
	quiet        bool
	metadataFile string
	dryRun       bool
}

func newBuildCommand(dockerCLI command.Cli, version string) *cobra.Command {
	o := buildOptions{buildArgs: opts.NewListOpts(nil), labels: opts.NewListOpts(nil)}
	cmd := &cobra.Command{
		Use:   "build [OPTIONS] PATH",
		Short: "Build an image for several platforms, each on an engine of its own architecture",
		Args:  cli.ExactArgs(1),
		RunE: run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			o.dir = args[0]
			return runBuild(ctx, dockerCLI, cmd, o, version)
		}),
	}
	o.addFlags(cmd)
	return cmd
}

func (o *buildOptions) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.tags, "tag", "t", nil, `Name and optionally a tag ("name:tag")`)
	flags.StringSliceVar(&o.platforms, "platform", nil, "Platforms to build (default: those of the nodes)")
	flags.StringVarP(&o.file, "file", "f", "", `Name of the Dockerfile (default "PATH/Dockerfile")`)
	flags.Var(&o.buildArgs, "build-arg", "Set build-time variables")
	flags.StringVar(&o.target, "target", "", "Set the target build stage to build")
	flags.Var(&o.labels, "label", "Set metadata for an image")
	flags.BoolVar(&o.noCache, "no-cache", false, "Do not use cache when building the image")
	flags.BoolVar(&o.pull, "pull", false, "Always attempt to pull all referenced images")
	flags.StringSliceVar(&o.nodes, "node", nil, `Docker contexts to build on, or "PLATFORM:CONTEXT" for one platform (default: all)`)
	flags.StringSliceVar(&o.emulate, "emulate", nil, "Allow emulation, of all platforms or of these only")
	flags.Lookup("emulate").NoOptDefVal = emulateAll
	flags.StringSliceVar(&o.allowMissing, "allow-missing", nil, "Platforms the result may lack")
	flags.BoolVar(&o.keepGoing, "keep-going", false, "Let the other platforms finish when one fails")
	flags.BoolVar(&o.rmImages, "rm-images", false, "Remove the images from the nodes afterwards")
	flags.BoolVar(&o.push, "push", false, "Push the images and publish the manifest list")
	flags.StringVar(&o.platformTag, "platform-tag", build.DefaultPlatformTag, `Template of the per-platform tags, or "none"`)
	flags.StringVar(&o.progress, "progress", defaultProgress(), "Set type of progress output ("+progressModes()+")")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "Suppress progress and print only the digest or image ID")
	flags.StringVar(&o.metadataFile, "metadata-file", "", "Write build result metadata to a file")
	flags.BoolVar(&o.dryRun, "dry-run", false, "Print the plan and stop")
}

// emulateAll is what --emulate means without a value.
const emulateAll = "all"

// defaultProgress is the mode that docker build takes from the environment.
func defaultProgress() string {
	if mode := os.Getenv("BUILDKIT_PROGRESS"); mode != "" {
		return mode
	}
	return string(progress.Modes[0])
}

// runBuild is one build from flags to result.
func runBuild(ctx context.Context, dockerCLI command.Cli, cmd *cobra.Command, o buildOptions, version string) error {
	in, err := o.read()
	if err != nil {
		return err
	}
	s := &buildSession{
		cli: dockerCLI, input: in,
		registry:    newRegistry(dockerCLI, version),
		credentials: credentials{dockerCLI.ConfigFile()},
		history:     remembered(),
	}
	defer s.close()
	if err := s.prepare(ctx, cmd); err != nil {
		return err
	}
	s.printPlan()
	if o.dryRun {
		return nil
	}
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
