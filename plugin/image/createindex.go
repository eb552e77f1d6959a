package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/go-units"
	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/manifest"
)

// index makes the result. With --append it starts from what the first target has
// now, whose digest is before ("" if there is no such tag).
func (c *creation) index(ctx context.Context) (idx manifest.Index, before digest.Digest, err error) {
	children := slices.Clone(c.fresh)
	var annotations map[string]string
	if c.input.extend {
		base, err := c.base(ctx)
		if err != nil {
			return idx, "", err
		}
		kept := manifest.Overlay(base.Children, c.fresh)
		c.printKept(kept)
		children = manifest.Merge(kept, c.fresh)
		before, annotations = base.Descriptor.Digest, base.Annotations
	}
	if c.input.drop {
		for i := range children {
			children[i].Attestations = nil
		}
	}
	if annotations, err = annotate(children, annotations, c.input.annotations); err != nil {
		return idx, "", err
	}
	idx, err = manifest.NewIndex(children, manifest.IndexOptions{Annotations: annotations, MediaType: c.input.mediaType})
	return idx, before, err
}

// base is what the first target has; nothing, if there is no such tag.
func (c *creation) base(ctx context.Context) (manifest.Collection, error) {
	target := c.input.targets[0]
	base, err := c.registry.Collect(ctx, target)
	if errors.Is(err, manifest.ErrNotFound) && base.Descriptor.Digest == "" {
		fmt.Fprintf(c.cli.Err(), "%s is new\n", reference.FamiliarString(target))
		return manifest.Collection{}, nil
	}
	if err != nil {
		return base, err
	}
	c.note(base, reference.FamiliarString(target))
	c.remark(target, base)
	return base, nil
}

// printKept says on standard error which images were there before and stay.
func (c *creation) printKept(kept []manifest.Child) {
	for _, child := range kept {
		fmt.Fprintf(c.cli.Err(), "Kept: %s %s, %s\n", progress.Clean(platforms.FormatAll(*child.Descriptor.Platform)), child.Descriptor.Digest, age(child, time.Now()))
	}
}

func age(child manifest.Child, now time.Time) string {
	if child.Created == nil || child.Created.Unix() <= 0 {
		return "of unknown age"
	}
	return "built " + units.HumanDuration(now.Sub(*child.Created)) + " ago"
}

// unchanged tells whether the result says the same as the one source, which then
// keeps its digest.
func (c *creation) unchanged() bool {
	in, has := c.input, c.collections[0]
	return len(in.sources) == 1 && in.sources[0].wanted == nil && has.Plain &&
		len(in.platforms) == 0 && len(in.annotations) == 0 && (in.mediaType == "" || in.mediaType == has.Descriptor.MediaType) && !in.extend &&
		!(in.drop && slices.ContainsFunc(c.fresh, func(child manifest.Child) bool { return len(child.Attestations) > 0 }))
}
