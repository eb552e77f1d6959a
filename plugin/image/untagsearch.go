package image

import (
	"context"
	"errors"
	"slices"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// withOtherNames adds the tags of the repository that point at one of the images
// of whole alone, whatever their names. A tag of the whole is none of them, nor is
// any if the whole is one image: then nothing tells its releases from its parts.
func withOtherNames(ctx context.Context, registry *manifest.Registry, target reference.NamedTagged, whole manifest.Collection, tags []platformTag) ([]platformTag, error) {
	if len(whole.Children) < 2 {
		return nil, argument.Wrong(errors.New("--any-name needs an image of several platforms"))
	}
	all, err := registry.Tags(ctx, target)
	if err != nil {
		return nil, err
	}
	found := make([]digest.Digest, len(all))
	reads, readCtx := errgroup.WithContext(ctx)
	reads.SetLimit(parallelReads)
	for i, tag := range all {
		isNamed := func(p platformTag) bool { return p.tag.String() == tag.String() }
		if tag.String() == target.String() || slices.ContainsFunc(tags, isNamed) {
			continue
		}
		reads.Go(func() (err error) {
			found[i], err = onlyImage(readCtx, registry, tag, whole)
			return err
		})
	}
	if err := reads.Wait(); err != nil {
		return nil, err
	}
	for i, image := range found {
		if image != "" {
			tags = append(tags, platformTag{tag: all[i], image: image})
		}
	}
	return tags, nil
}

// onlyImage returns which image of whole the tag points at alone; "" if it points
// at something else, or at nothing by now.
func onlyImage(ctx context.Context, registry *manifest.Registry, tag reference.NamedTagged, whole manifest.Collection) (digest.Digest, error) {
	image, err := registry.Alone(ctx, tag)
	if errors.Is(err, manifest.ErrNotFound) || errors.Is(err, manifest.ErrInvalid) {
		return "", nil
	}
	isImage := func(c manifest.Child) bool { return c.Descriptor.Digest == image }
	if err != nil || !slices.ContainsFunc(whole.Children, isImage) {
		return "", err
	}
	return image, nil
}
