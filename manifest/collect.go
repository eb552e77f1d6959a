package manifest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

// Collection is what a reference gives for an index.
type Collection struct {
	Repository reference.Named // where the children are
	Descriptor ocispec.Descriptor
	Children   []Child // with their attestation manifests; the platforms are what the image configs say
	// Left holds the entries that can't be part of an index of images: artifacts, attestations of images that aren't
	// listed.
	Left []ocispec.Descriptor
	// Annotations are those of the index; nil for a single image.
	Annotations map[string]string
	// Plain says that the reference is an index that an index of its children would say the same as: it lists each image as
	// what it is for, and nothing else but their attestations.
	Plain bool
	Raw   []byte // of the index or the single image manifest
}

// Collect reads the images that ref points at, for an index to be made of them: of a single image, of an index, or of an
// index that lists indexes, as when per-platform tags are indexes themselves. A tag is read once, and from then on only
// digests. It is [ErrInvalid] if there is no image. Failures are an *[Error].
func (r *Registry) Collect(ctx context.Context, ref reference.Named) (Collection, error) {
	ref = reference.TagNameOnly(ref)
	c := Collection{Repository: reference.TrimNamed(ref)}
	repo, t := r.repository(ref, false), task{op: "reading", reference: ref.String()}
	next := []reference.Named{ref}
	for depth := 0; len(next) > 0; depth++ {
		if depth == maxDepth || len(next)+len(c.Children) > maxDescriptors {
			return c, repo.explain(ctx, t, &failure{class: ErrInvalid, cause: errors.New("too many indexes in one another")})
		}
		var deeper []reference.Named
		for _, ref := range next {
			in, err := r.Inspect(ctx, ref)
			if err != nil {
				return c, err
			}
			if depth == 0 {
				c.begin(in)
			}
			if deeper, err = c.take(in, deeper); err != nil {
				return c, repo.explain(ctx, t, err)
			}
		}
		next = deeper
	}
	if len(c.Children) == 0 {
		return c, repo.explain(ctx, t, &failure{class: ErrInvalid, cause: errors.New("there is no image that says what platform it is for")})
	}
	return c, nil
}

func (c *Collection) begin(in Inspection) {
	c.Descriptor, c.Raw = in.Descriptor, in.Raw
	if !mediatype.IsIndex(in.Descriptor.MediaType) {
		return
	}
	c.Annotations = in.Annotations
	c.Plain = len(in.Other) == 0 && !slices.ContainsFunc(in.Images, func(i Child) bool {
		return !known(i.Descriptor.Platform) || i.Listed == nil || platforms.FormatAll(*i.Listed) != platforms.FormatAll(*i.Descriptor.Platform)
	})
}

// take sorts what one manifest holds, and adds the indexes in it to deeper.
func (c *Collection) take(in Inspection, deeper []reference.Named) ([]reference.Named, error) {
	for _, child := range in.Images {
		if child.Descriptor.Platform == nil {
			c.Left = append(c.Left, child.Descriptor)
			continue
		}
		c.Children = append(c.Children, child)
	}
	for _, d := range in.Other {
		if !mediatype.IsIndex(d.MediaType) {
			c.Left = append(c.Left, d)
			continue
		}
		ref, err := reference.WithDigest(c.Repository, d.Digest)
		if err != nil {
			return nil, &failure{class: ErrInvalid, cause: fmt.Errorf("digest %q: %w", d.Digest, err)}
		}
		deeper = append(deeper, ref)
	}
	return deeper, nil
}
