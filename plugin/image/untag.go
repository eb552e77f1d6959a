package image

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/opencontainers/go-digest"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

type untagOptions struct {
	reference   string
	platformTag string
	anyName     bool
	dryRun      bool
	insecure    argument.Hosts
}

// NewUntagCommand returns the command untag. version is the plugin's own.
func NewUntagCommand(dockerCLI command.Cli, version string) *cobra.Command {
	var o untagOptions
	cmd := &cobra.Command{
		Use:   "untag [OPTIONS] IMAGE",
		Short: "Remove the per-platform tags of an image from its registry",
		Long: `Remove the per-platform tags of an image from its registry.

The image itself stays: only names such as app:1-linux-arm64 go, and only those that
lead to a platform of this image. Some registries can't remove a tag alone.`,
		Example: `  docker multiarch untag --dry-run registry.example.com/app:1
  docker multiarch untag registry.example.com/app:1`,
		Args: cli.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.reference = args[0]
			return runUntag(cmd.Context(), dockerCLI, o, version)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.platformTag, "platform-tag", build.DefaultPlatformTag, "Template of the per-platform tags")
	argument.AddInsecureRegistry(cmd, &o.insecure)
	flags.BoolVar(&o.anyName, "any-name", false, "Remove every tag of the repository that points at one of the image's platforms alone")
	flags.BoolVar(&o.dryRun, "dry-run", false, "Print the tags instead of removing them")
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return cmd
}

// platformTag is a tag that should point at one platform's image.
type platformTag struct {
	tag   reference.NamedTagged
	image digest.Digest
}

func runUntag(ctx context.Context, dockerCLI command.Cli, o untagOptions, version string) error {
	if form, _, _ := splitLayout(o.reference, runtime.GOOS == "windows"); form != "" {
		return argument.Wrong(fmt.Errorf("invalid reference %q: want an image in a registry, a layout has no per-platform tags", o.reference))
	}
	named, err := argument.Reference(o.reference)
	if err != nil {
		return err
	}
	target, ok := named.(reference.NamedTagged)
	if _, digested := named.(reference.Digested); !ok || digested {
		return argument.Wrong(fmt.Errorf("invalid reference %q: want a tag, whose per-platform tags are removed", o.reference))
	}
	template, err := build.NewTagTemplate(o.platformTag)
	if err != nil {
		return argument.Wrong(err)
	}
	registry := registry.New(dockerCLI, version, o.insecure)
	whole, err := registry.Collect(ctx, target)
	if err != nil {
		return err
	}
	tags, err := namedTags(template, target, whole.Children)
	if err == nil && o.anyName {
		tags, err = withOtherNames(ctx, registry, target, whole, tags)
	}
	if err != nil {
		return err
	}
	if err := untagAll(ctx, dockerCLI, registry, tags, o.dryRun); err != nil || o.dryRun {
		return err
	}
	return stillThere(ctx, registry, target, whole.Descriptor.Digest)
}

// namedTags are the tags that a build gives the images of target. A Windows image
// may have been asked for without its version.
func namedTags(template build.TagTemplate, target reference.NamedTagged, children []manifest.Child) ([]platformTag, error) {
	var tags []platformTag
	for _, child := range children {
		exact, general := *child.Descriptor.Platform, *child.Descriptor.Platform
		general.OSVersion = ""
		for _, p := range []platformTag{{image: child.Descriptor.Digest}, {image: child.Descriptor.Digest}} {
			var err error
			if p.tag, err = template.Tag(target, exact); err != nil {
				return nil, argument.Wrong(err)
			}
			exact = general
			same := func(q platformTag) bool { return q == p }
			if p.tag.String() != target.String() && !slices.ContainsFunc(tags, same) {
				tags = append(tags, p)
			}
		}
	}
	return tags, nil
}

// untagAll removes the tags, and prints those that are gone. A tag that stays is
// no failure: nobody is harmed by it.
func untagAll(ctx context.Context, dockerCLI command.Cli, registry *manifest.Registry, tags []platformTag, dryRun bool) error {
	for _, p := range tags {
		name := reference.FamiliarString(p.tag)
		err := untagOne(ctx, registry, p, dryRun)
		switch {
		case err == nil:
			if _, err := fmt.Fprintln(dockerCLI.Out(), name); err != nil {
				return err
			}
		case errors.Is(err, manifest.ErrNotFound):
		case errors.Is(err, manifest.ErrOtherContent):
			fmt.Fprintf(dockerCLI.Err(), "Kept: %s\n", progress.Clean(err.Error()))
		case errors.Is(err, manifest.ErrUnsupported):
			fmt.Fprintf(dockerCLI.Err(), "Kept: %s\nThe registry %s can't delete a tag alone. No other tag was tried.\n", progress.Clean(err.Error()), reference.Domain(p.tag))
			return nil
		default:
			return err
		}
	}
	return nil
}

func untagOne(ctx context.Context, registry *manifest.Registry, p platformTag, dryRun bool) error {
	if !dryRun {
		return registry.Untag(ctx, p.tag, p.image)
	}
	image, err := registry.Alone(ctx, p.tag)
	if err == nil && image != p.image {
		err = fmt.Errorf("%s: %w", reference.FamiliarString(p.tag), manifest.ErrOtherContent)
	}
	return err
}

// stillThere proves that the image itself was not touched.
func stillThere(ctx context.Context, registry *manifest.Registry, target reference.NamedTagged, before digest.Digest) error {
	now, err := registry.Collect(ctx, target)
	if err != nil {
		return fmt.Errorf("checking what is left: %w", err)
	}
	if now.Descriptor.Digest != before {
		return fmt.Errorf("checking what is left: %s: %w: it had %s, it has %s", reference.FamiliarString(target), manifest.ErrChanged, before, now.Descriptor.Digest)
	}
	return nil
}
