package plugin

import (
	"context"
	"fmt"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/manifest"
)

func newCopyCommand(dockerCLI command.Cli, version string) *cobra.Command {
	var insecure registryHosts
	cmd := &cobra.Command{
		Use:   "copy [OPTIONS] SOURCE DESTINATION",
		Short: "Copy an image with all its platforms to another repository or registry",
		Args:  args(cli.ExactArgs(2)),
		RunE: run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			return runCopy(ctx, dockerCLI, args[0], args[1], newRegistry(dockerCLI, version, insecure))
		}),
	}
	addInsecureRegistry(cmd, &insecure)
	return cmd
}

func runCopy(ctx context.Context, dockerCLI command.Cli, from, to string, registry *manifest.Registry) error {
	source, err := parseReference(from)
	if err != nil {
		return err
	}
	target, err := copyTarget(source, to)
	if err != nil {
		return err
	}
	desc, done, err := registry.Copy(ctx, source, target)
	if err != nil {
		return err
	}
	printTransferred(dockerCLI, target, done)
	return printPublished(dockerCLI, []reference.NamedTagged{target}, desc.Digest)
}

// copyTarget reads the destination. Without a tag it gets that of the source, and
// never becomes latest by itself.
func copyTarget(source reference.Named, to string) (reference.NamedTagged, error) {
	named, err := reference.ParseNormalizedNamed(to)
	if err != nil {
		return nil, usage(fmt.Errorf("invalid reference %q: %w", to, err))
	}
	if _, ok := named.(reference.Digested); ok {
		return nil, usage(fmt.Errorf("invalid destination %q: a digest can't be chosen, a copy has that of its source", to))
	}
	if tagged, ok := named.(reference.NamedTagged); ok {
		return tagged, nil
	}
	tagged, ok := source.(reference.NamedTagged)
	if !ok {
		return nil, usage(fmt.Errorf("the copy needs a tag: %s:TAG", to))
	}
	return reference.WithTag(named, tagged.Tag())
}
