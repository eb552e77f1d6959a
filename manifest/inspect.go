package manifest

import (
	"context"
	"maps"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Inspection is what a reference points at.
type Inspection struct {
	Reference  string             // as it was asked for, in full
	Descriptor ocispec.Descriptor // of the index or the single image manifest
	Images     []Child            // in the order of the index; one if there is no index
	// Other holds the entries of an index that are neither an image nor belong to one of its images: an index within the
	// index, an attestation manifest whose image isn't listed.
	Other       []ocispec.Descriptor
	Annotations map[string]string // of the index or the single image manifest
	Raw         []byte            // the index or the single image manifest as the registry holds it
}

// Inspect fetches what ref points at, without pulling an image: the manifests and configs, not the layers. A reference
// without tag and digest means the tag latest; of one with both, the digest counts. Failures are an *[Error].
func (r *Registry) Inspect(ctx context.Context, ref reference.Named) (Inspection, error) {
	ref = reference.TagNameOnly(ref)
	repo := r.repository(ref, false)
	t := task{op: "reading", reference: ref.String()}
	doc, err := repo.document(ctx, t, tagOrDigest(ref))
	if err != nil {
		return Inspection{}, err
	}
	in := Inspection{Reference: ref.String(), Descriptor: doc.descriptor, Annotations: maps.Clone(doc.annotations), Raw: doc.raw}
	if !doc.isIndex() {
		image, err := repo.image(ctx, t, doc)
		if err != nil {
			return Inspection{}, err
		}
		in.Images = []Child{image}
		return in, nil
	}
	images, attestations, other := split(doc.manifests)
	in.Images, in.Other = make([]Child, len(images)), other
	g, ctx := group(ctx)
	for i, d := range images {
		g.Go(func() error {
			c, err := repo.listed(ctx, d, false)
			c.Attestations = attestations[d.Digest]
			in.Images[i] = c
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Inspection{}, err
	}
	return in, nil
}

// Resolve tells the descriptor of what ref points at now, and the platforms of the images there, as its index lists them
// (as the image config says, where there is no index or it gives none). It is [ErrNotFound] if there is nothing.
func (r *Registry) Resolve(ctx context.Context, ref reference.Named) (ocispec.Descriptor, []ocispec.Platform, error) {
	ref = reference.TagNameOnly(ref)
	repo := r.repository(ref, false)
	t := task{op: "reading", reference: ref.String()}
	doc, err := repo.document(ctx, t, tagOrDigest(ref))
	if err != nil {
		return ocispec.Descriptor{}, nil, err
	}
	if !doc.isIndex() {
		c, err := repo.image(ctx, t, doc)
		return doc.descriptor, appendPlatform(nil, c.Descriptor.Platform), err
	}
	images, _, _ := split(doc.manifests)
	var all []ocispec.Platform
	for _, d := range images {
		p := d.Platform
		if p == nil {
			c, err := repo.listed(ctx, d, false)
			if err != nil {
				return ocispec.Descriptor{}, nil, err
			}
			p = c.Descriptor.Platform
		}
		all = appendPlatform(all, p)
	}
	return doc.descriptor, all, nil
}

func appendPlatform(all []ocispec.Platform, p *ocispec.Platform) []ocispec.Platform {
	if p == nil {
		return all
	}
	return append(all, normalize(*p))
}

func tagOrDigest(ref reference.Named) string {
	switch ref := ref.(type) {
	case reference.Digested:
		return ref.Digest().String()
	case reference.Tagged:
		return ref.Tag()
	}
	return "latest"
}
