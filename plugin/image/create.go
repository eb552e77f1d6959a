package image

import (
	"context"

	"github.com/docker/cli/cli/command"
	dockercompletion "github.com/docker/cli/cli/command/completion"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// formatAuto is the format of an index that fits its images.
const formatAuto = "auto"

type createOptions struct {
	sources      []string
	tags         []string
	from         []string
	platforms    []string
	annotations  []string
	indexFormat  string
	attestations string
	extend       bool
	dryRun       bool
	ifUnchanged  string
	insecure     argument.Hosts
}

// NewCreateCommand returns the command create. version is the plugin's own.
func NewCreateCommand(dockerCLI command.Cli, version string) *cobra.Command {
	var o createOptions
	cmd := &cobra.Command{
		Use:   "create [OPTIONS] [-t TARGET...] [SOURCE...]",
		Short: "Make one image for several platforms out of images that are in a registry",
		Long: `Make one image for several platforms out of images that are in a registry.

The sources stay as they are, and are copied if they are in another repository.
Nothing is kept on this machine between calls, and nothing is built. The targets
are written when all that they lead to is there, and read back.

SOURCE and TARGET can also be in OCI image layouts, "oci:DIR[:TAG][@DIGEST]",
and in archives of these, "oci-archive:FILE[:TAG][@DIGEST]".`,
		Example: `  docker multiarch create -t registry.example.com/app:1 registry.example.com/app:1-amd64 registry.example.com/app:1-arm64
  docker multiarch create --append -t registry.example.com/app:1 registry.example.com/app:1-riscv64
  docker multiarch create --dry-run -t registry.example.com/app:1 registry.example.com/app:1-amd64
  docker multiarch create -t registry.example.com/app:latest --from metadata.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.sources = args
			return withLayouts(cmd.Context(), dockerCLI, registry.New(dockerCLI, version, o.insecure), o.dryRun, func(l *layouts, dockerCLI command.Cli) error {
				return runCreate(cmd.Context(), dockerCLI, o, l)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&o.tags, "tag", "t", nil, "Name and tag to publish under")
	flags.StringArrayVar(&o.from, "from", nil, `Take the sources from a file: what build --metadata-file wrote, or a spec of manifest-tool ("-" is standard input)`)
	flags.BoolVar(&o.extend, "append", false, "Add to the image that the first target has, replacing the same platforms")
	flags.StringSliceVar(&o.platforms, "platform", nil, "Take only these platforms of the sources")
	flags.StringArrayVar(&o.annotations, "annotation", nil, `Add an annotation: "index:KEY=VALUE" or "manifest-descriptor[PLATFORM]:KEY=VALUE"`)
	flags.StringVar(&o.indexFormat, "index-format", formatAuto, "Format of the result: auto, oci or docker")
	flags.StringVar(&o.attestations, "attestations", attestationsKeep, "Attestations of the sources: keep or drop")
	argument.AddInsecureRegistry(cmd, &o.insecure)
	registry.AddIfUnchanged(cmd, &o.ifUnchanged)
	flags.BoolVar(&o.dryRun, "dry-run", false, "Print the result instead of publishing it")
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	completion.Flags(cmd, map[string]cobra.CompletionFunc{
		"from":         dockercompletion.FileNames(),
		"platform":     completion.Platforms(),
		"index-format": completion.Values("auto", "oci", "docker"),
		"attestations": completion.Values(attestationsKeep, attestationsDrop),
		"if-unchanged": completion.Values("start"),
	})
	return cmd
}

// runCreate is one index from flags to result.
func runCreate(ctx context.Context, dockerCLI command.Cli, o createOptions, l *layouts) (err error) {
	if o.tags, err = l.targets(ctx, o.tags); err != nil {
		return err
	}
	if len(l.open) > 0 && o.indexFormat == formatAuto {
		o.indexFormat = "oci" // in a layout skopeo finds nothing else
	}
	if o.sources, err = l.sources(ctx, o.sources); err != nil {
		return err
	}
	in, err := o.read(dockerCLI.In())
	if err != nil {
		return err
	}
	c := &creation{cli: dockerCLI, registry: l.registry, layouts: l, input: in}
	if err := c.guard(ctx); err != nil {
		return err
	}
	if err := c.collect(ctx); err != nil {
		return err
	}
	if c.unchanged() {
		return c.copyWhole(ctx)
	}
	return c.publish(ctx)
}
