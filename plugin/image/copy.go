package image

import (
	"context"
	"fmt"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// NewCopyCommand returns the command copy. version is the plugin's own.
func NewCopyCommand(dockerCLI command.Cli, version string) *cobra.Command {
	var insecure argument.Hosts
	cmd := &cobra.Command{
		Use:   "copy [OPTIONS] SOURCE DESTINATION",
		Short: "Copy an image with all its platforms to another repository or registry",
		Long: `Copy an image with all its platforms to another repository or registry.

SOURCE and DESTINATION can also be in OCI image layouts, "oci:DIR[:TAG][@DIGEST]",
and in archives of these, "oci-archive:FILE[:TAG][@DIGEST]".`,
		Example: `  docker multiarch copy registry.example.com/app:1 mirror.example.com/team/app
  docker multiarch copy registry.example.com/app:1 oci:app
  docker multiarch copy oci:app:1 registry.example.com/app:2`,
		Args: cli.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withLayouts(cmd.Context(), dockerCLI, registry.New(dockerCLI, version, insecure), false, func(l *layouts, dockerCLI command.Cli) error {
				return runCopy(cmd.Context(), dockerCLI, args[0], args[1], l)
			})
		},
	}
	argument.AddInsecureRegistry(cmd, &insecure)
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return cmd
}

func runCopy(ctx context.Context, dockerCLI command.Cli, from, to string, l *layouts) (err error) {
	if from, err = l.source(ctx, from); err != nil {
		return err
	}
	source, err := argument.Reference(from)
	if err != nil {
		return err
	}
	if to, err = l.target(ctx, to); err != nil {
		return err
	}
	target, err := copyTarget(source, to)
	if err != nil {
		return err
	}
	desc, done, err := l.registry.Copy(ctx, source, target)
	if err == nil {
		err = l.title(target, source)
	}
	if err != nil {
		return err
	}
	name := reference.FamiliarName(target)
	printTransferred(dockerCLI, name, done)
	_, err = fmt.Fprintf(dockerCLI.Out(), "%s:%s@%s\n", name, target.Tag(), desc.Digest)
	return err
}

// copyTarget reads the destination. Without a tag it gets that of the source, and
// never becomes latest by itself.
func copyTarget(source reference.Named, to string) (reference.NamedTagged, error) {
	named, err := reference.ParseNormalizedNamed(to)
	if err != nil {
		return nil, argument.Wrong(fmt.Errorf("invalid reference %q: %w", to, err))
	}
	if _, ok := named.(reference.Digested); ok {
		return nil, argument.Wrong(fmt.Errorf("invalid destination %q: a digest can't be chosen, a copy has that of its source", to))
	}
	if tagged, ok := named.(reference.NamedTagged); ok {
		return tagged, nil
	}
	tagged, ok := source.(reference.NamedTagged)
	if !ok {
		return nil, argument.Wrong(fmt.Errorf("the copy needs a tag: %s:TAG", to))
	}
	return reference.WithTag(named, tagged.Tag())
}

// printTransferred says on standard error what was copied, unless it all was there.
func printTransferred(dockerCLI command.Cli, to string, done manifest.Transferred) {
	if done.Sent+done.Mounted == 0 {
		return
	}
	fmt.Fprintf(dockerCLI.Err(), "%s: %d blobs copied (%s), %d mounted, %d were there\n",
		to, done.Sent, units.HumanSizeWithPrecision(float64(done.Bytes), 3), done.Mounted, done.Present)
}
