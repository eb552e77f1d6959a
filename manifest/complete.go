package manifest

import (
	"context"
	"fmt"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

// complete reads everything that idx refers to from the repository by digest, and checks that each image is for the
// platform that idx gives it. What was pushed a moment ago may take a while to be seen. The error is an *Error.
func (r repository) complete(ctx context.Context, idx document) error {
	var blobs blobSet
	children := make([]Child, len(idx.manifests))
	g, gctx := group(ctx)
	for i, d := range idx.manifests {
		g.Go(func() (err error) {
			children[i], err = r.part(gctx, d)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, c := range children {
		blobs.add(c.Layers...)
	}
	g, gctx = group(ctx)
	for _, d := range blobs.all {
		g.Go(func() error {
			return r.head(gctx, r.reading(d.Digest, true), d)
		})
	}
	return g.Wait()
}

// part reads one manifest of an index, with its config.
func (r repository) part(ctx context.Context, d ocispec.Descriptor) (Child, error) {
	t := r.reading(d.Digest, true)
	if !mediatype.IsManifest(d.MediaType) {
		return Child{}, r.explain(ctx, t, &failure{class: ErrInvalid, cause: fmt.Errorf("%q in an index", d.MediaType)})
	}
	c, err := r.listed(ctx, d, true)
	if err != nil || isAttestation(d) {
		return c, err
	}
	if c.Descriptor.Platform == nil || c.Listed == nil || platforms.FormatAll(*c.Descriptor.Platform) != platforms.FormatAll(*c.Listed) {
		err = r.explain(ctx, t, &failure{class: ErrPlatform, cause: fmt.Errorf("the image is for %s, the index says %s", format(c.Descriptor.Platform), format(c.Listed))})
	}
	return c, err
}

func format(p *ocispec.Platform) string {
	if p == nil {
		return "no platform"
	}
	return platforms.FormatAll(*p)
}

// blobSet holds the blobs to ask for, each once: images of one base share layers.
type blobSet struct {
	seen map[digest.Digest]bool
	all  []ocispec.Descriptor
}

// add leaves out layers that registries don't hold, as those of older Windows base images.
func (s *blobSet) add(blobs ...ocispec.Descriptor) {
	if s.seen == nil {
		s.seen = map[digest.Digest]bool{}
	}
	for _, d := range blobs {
		if !s.seen[d.Digest] && !mediatype.IsForeign(d.MediaType) {
			s.seen[d.Digest] = true
			s.all = append(s.all, d)
		}
	}
}
