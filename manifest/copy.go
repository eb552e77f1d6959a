package manifest

import (
	"context"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Copy puts what src points at, an index with all it lists or a single image, under dst. The bytes stay the same, so the
// digest does too: it doesn't judge whether an index tells the truth about its images. The tag is written last, with the
// same proof as in [Registry.Publish], whose errors it has. What a tag src points at is read once, at the start.
func (r *Registry) Copy(ctx context.Context, src reference.Named, dst reference.NamedTagged, opts ...PublishOption) (ocispec.Descriptor, Transferred, error) {
	src = reference.TagNameOnly(src)
	t := r.newTransfer(src, dst)
	doc, err := t.source.document(ctx, task{op: "reading", reference: src.String()}, tagOrDigest(src))
	if err != nil {
		return ocispec.Descriptor{}, Transferred{}, err
	}
	if !t.same() {
		below, err := t.source.tree(ctx, doc.manifests, false)
		if err != nil {
			return doc.descriptor, Transferred{}, err
		}
		below.add(doc)
		if _, err := t.carry(ctx, below); err != nil {
			return doc.descriptor, t.done, err
		}
	}
	p := r.newPublication(dst, opts)
	p.idx, p.check = doc, p.present
	return doc.descriptor, t.done, p.run(ctx)
}
