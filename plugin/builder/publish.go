package builder

import (
	"context"
	"fmt"
	"slices"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// publish makes the index of what the nodes pushed and puts it under every
// target.
func (s *session) publish(ctx context.Context, w *progress.Writer) (err error) {
	if s.index, err = s.newIndex(); err != nil {
		return err
	}
	return registry.Publish(ctx, s.input.targets, func(ctx context.Context, target reference.NamedTagged) error {
		return w.Start("publishing " + reference.FamiliarString(target)).Done(s.publishUnder(ctx, target))
	})
}

// publishUnder puts the index under one target; with --if-unchanged only in the
// place of what was there.
func (s *session) publishUnder(ctx context.Context, target reference.NamedTagged) error {
	if s.input.guard.On {
		return s.registry.Publish(ctx, target, s.index, manifest.Expecting(s.before[target.String()]))
	}
	return s.registry.Publish(ctx, target, s.index)
}

// newIndex makes the one index for all targets. Each repository has its own
// copy of the images, pushed by the same engines; they must be the same to the
// byte.
func (s *session) newIndex() (manifest.Index, error) {
	var first manifest.Index
	for i, repository := range repositories(s.results) {
		index, err := manifest.NewIndex(s.childrenIn(repository), manifest.IndexOptions{Annotations: s.indexAnnotations(), MediaType: s.indexType()})
		if err != nil {
			return index, err
		}
		if i == 0 {
			first = index
		} else if index.Descriptor.Digest != first.Descriptor.Digest {
			return index, fmt.Errorf("%w: the engines pushed other images to %s than to the first repository", manifest.ErrDigest, repository)
		}
	}
	return first, nil
}

// indexType is the media type of the index; "" is the one that fits the images.
func (s *session) indexType() string {
	if o := s.input.options.archive; o != nil && o.kind == outputOCI {
		return ocispec.MediaTypeImageIndex
	}
	return ""
}

// repositories returns the repositories that were pushed to, each once.
func repositories(results []build.Result) []string {
	var all []string
	for _, r := range results {
		if r.Err != nil {
			continue
		}
		for _, pushed := range r.Pushed {
			if name := pushed.Reference.Name(); !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

func (s *session) childrenIn(repository string) []manifest.Child {
	var all []manifest.Child
	for _, r := range s.results {
		if r.Err != nil {
			continue
		}
		for _, pushed := range r.Pushed {
			if pushed.Reference.Name() == repository {
				all = append(all, s.children[childKey(pushed)])
			}
		}
	}
	return all
}
