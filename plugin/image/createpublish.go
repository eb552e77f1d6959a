package image

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// maxAppends is how often --append starts anew because another one was faster.
const maxAppends = 5

// publish makes the index and puts it under every target.
func (c *creation) publish(ctx context.Context) error {
	for n := 1; ; n++ {
		idx, before, err := c.index(ctx)
		if err != nil {
			return err
		}
		if c.input.dryRun {
			return c.print(idx.Raw)
		}
		if err := c.carry(ctx, idx.Manifests); err != nil {
			return err
		}
		err = c.everywhere(ctx, func(ctx context.Context, target reference.NamedTagged) error {
			opts := c.expecting(target)
			if len(opts) == 0 && c.input.extend && target.String() == c.input.targets[0].String() {
				opts = []manifest.PublishOption{manifest.Expecting(before)}
			}
			return c.registry.Publish(ctx, target, idx, opts...)
		})
		if err == nil {
			return registry.PrintPublished(c.cli, c.input.targets, idx.Descriptor.Digest)
		}
		if !c.input.extend || c.input.guard.On || !overtaken(err) || n == maxAppends {
			return err
		}
		fmt.Fprintf(c.cli.Err(), "%s was changed by someone else, adding to what it has now\n", reference.FamiliarString(c.input.targets[0]))
	}
}

// everywhere publishes under every target.
func (c *creation) everywhere(ctx context.Context, publish func(context.Context, reference.NamedTagged) error) error {
	return registry.Publish(ctx, c.input.targets, func(ctx context.Context, target reference.NamedTagged) error {
		if err := publish(ctx, target); err != nil {
			return err
		}
		return c.layouts.title(target, c.input.sources[0].ref)
	})
}

// overtaken tells whether a tag was found changed before anything was written to
// it.
func overtaken(err error) bool {
	_, after := errors.AsType[*manifest.ChangedError](err)
	return errors.Is(err, manifest.ErrChanged) && !after
}

// copyWhole publishes the one source as it is.
func (c *creation) copyWhole(ctx context.Context) error {
	whole := c.collections[0]
	if c.input.dryRun {
		return c.print(whole.Raw)
	}
	ref, err := reference.WithDigest(whole.Repository, whole.Descriptor.Digest)
	if err != nil {
		return err
	}
	err = c.everywhere(ctx, func(ctx context.Context, target reference.NamedTagged) error {
		_, done, err := c.registry.Copy(ctx, ref, target, c.expecting(target)...)
		if err == nil {
			printTransferred(c.cli, reference.FamiliarName(target), done)
		}
		return err
	})
	if err != nil {
		return err
	}
	return registry.PrintPublished(c.cli, c.input.targets, whole.Descriptor.Digest)
}

// carry puts the parts of the index into the repositories of the targets that
// lack them.
func (c *creation) carry(ctx context.Context, parts []ocispec.Descriptor) error {
	for i, target := range c.input.targets {
		sameRepository := func(t reference.NamedTagged) bool { return t.Name() == target.Name() }
		if slices.IndexFunc(c.input.targets, sameRepository) < i {
			continue
		}
		from := map[string][]ocispec.Descriptor{}
		var order []reference.Named
		for _, d := range parts {
			source := nearest(c.where[d.Digest], target)
			if source.Name() == target.Name() {
				continue
			}
			if _, known := from[source.Name()]; !known {
				order = append(order, source)
			}
			from[source.Name()] = append(from[source.Name()], d)
		}
		for _, source := range order {
			fmt.Fprintf(c.cli.Err(), "Copying from %s to %s\n", reference.FamiliarString(source), reference.FamiliarName(target))
			done, err := c.registry.Transfer(ctx, source, target, from[source.Name()])
			if err != nil {
				return err
			}
			printTransferred(c.cli, reference.FamiliarName(target), done)
		}
	}
	return nil
}

// nearest returns the repository that costs least to copy from: the target's own,
// or one of its registry.
func nearest(repositories []reference.Named, target reference.Named) reference.Named {
	for _, near := range []func(reference.Named) bool{
		func(r reference.Named) bool { return r.Name() == target.Name() },
		func(r reference.Named) bool { return reference.Domain(r) == reference.Domain(target) },
	} {
		if i := slices.IndexFunc(repositories, near); i >= 0 {
			return repositories[i]
		}
	}
	return repositories[0]
}

func (c *creation) print(raw []byte) error {
	_, err := fmt.Fprintf(c.cli.Out(), "%s\n", raw)
	return err
}
