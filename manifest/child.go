package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

// Child is one platform's image as the registry holds it.
type Child struct {
	// Descriptor is of the image manifest. Its Platform is what the image config says, normalised; it is nil only for
	// what [Registry.Inspect] found and whose config names none, such as an artifact that is no image.
	Descriptor ocispec.Descriptor
	// Listed is the platform that the index gives, by which engines choose; nil if there was no index or it gives none.
	// It should equal Descriptor.Platform.
	Listed       *ocispec.Platform
	ConfigDigest digest.Digest // the image ID on an engine with a graph driver
	Layers       []ocispec.Descriptor
	Attestations []ocispec.Descriptor // attestation manifests that came with the image
	Size         int64                // compressed bytes: config and layers
	Created      *time.Time           // when it was built; nil if the config doesn't say
	Annotations  map[string]string    // of the image manifest
}

// Child reads one image by digest from repo: its manifest and its config, both checked against their digests. An index
// that holds one image and its attestation manifests, as an engine with the containerd image store pushes it, is
// flattened; one with several images is an [ErrInvalid]. Failures are an *[Error].
func (r *Registry) Child(ctx context.Context, repo reference.Named, dgst digest.Digest) (Child, error) {
	return r.repository(repo, false).child(ctx, dgst, false)
}

// AwaitChild is [Registry.Child] for an image that was pushed moments ago: a registry that doesn't see it yet is asked
// again, as if it were busy.
func (r *Registry) AwaitChild(ctx context.Context, repo reference.Named, dgst digest.Digest) (Child, error) {
	return r.repository(repo, false).child(ctx, dgst, true)
}

func (r repository) child(ctx context.Context, dgst digest.Digest, await bool) (Child, error) {
	t := r.reading(dgst, await)
	if err := dgst.Validate(); err != nil {
		return Child{}, r.explain(ctx, t, &failure{class: ErrInvalid, cause: err})
	}
	doc, err := r.document(ctx, t, dgst.String())
	if err != nil {
		return Child{}, err
	}
	if !doc.isIndex() {
		c, err := r.image(ctx, t, doc)
		return r.withPlatform(ctx, t, c, err)
	}
	images, attestations, other := split(doc.manifests)
	if len(images) != 1 || len(other) > 0 {
		return Child{}, r.explain(ctx, t, &failure{class: ErrInvalid, cause: fmt.Errorf("an index of %d images and %d other manifests where one image is wanted", len(images), len(other))})
	}
	c, err := r.listed(ctx, images[0], await)
	c.Attestations = attestations[c.Descriptor.Digest]
	return r.withPlatform(ctx, t, c, err)
}

// withPlatform refuses what doesn't say what it runs on.
func (r repository) withPlatform(ctx context.Context, t task, c Child, err error) (Child, error) {
	if err == nil && c.Descriptor.Platform == nil {
		err = r.explain(ctx, t, &failure{class: ErrInvalid, cause: errors.New("no image config that names a platform")})
	}
	if err != nil {
		return Child{}, err
	}
	return c, nil
}

// listed reads an image that an index lists.
func (r repository) listed(ctx context.Context, desc ocispec.Descriptor, await bool) (Child, error) {
	t := r.reading(desc.Digest, await)
	doc, err := r.document(ctx, t, desc.Digest.String())
	if err != nil {
		return Child{}, err
	}
	if err := sameDescriptor(desc, doc.descriptor); err != nil {
		return Child{}, r.explain(ctx, t, err)
	}
	doc.descriptor.Annotations = desc.Annotations
	c, err := r.image(ctx, t, doc)
	if desc.Platform != nil {
		p := normalize(*desc.Platform)
		c.Listed = &p
	}
	return c, err
}

// sameDescriptor compares what an index says of a manifest with the manifest.
func sameDescriptor(listed, found ocispec.Descriptor) error {
	if listed.MediaType != found.MediaType {
		return &failure{class: ErrInvalid, cause: fmt.Errorf("%q listed as %q", found.MediaType, listed.MediaType)}
	}
	if listed.Size != found.Size {
		return &failure{class: ErrDigest, cause: fmt.Errorf("%d bytes listed as %d", found.Size, listed.Size)}
	}
	return nil
}

// image reads the config that an image manifest names.
func (r repository) image(ctx context.Context, t task, doc document) (Child, error) {
	c := Child{Descriptor: doc.descriptor, ConfigDigest: doc.config.Digest, Layers: doc.layers, Size: doc.config.Size, Annotations: doc.annotations}
	for _, l := range doc.layers {
		c.Size += l.Size
	}
	if doc.config.MediaType != ocispec.MediaTypeImageConfig && doc.config.MediaType != mediatype.DockerConfig {
		return c, nil
	}
	raw, err := r.blob(ctx, t, doc.config)
	if err != nil {
		return Child{}, err
	}
	var config ocispec.Image
	if err := json.Unmarshal(raw, &config); err != nil {
		return Child{}, r.explain(ctx, t, &failure{class: ErrInvalid, cause: fmt.Errorf("image config: %w", err)})
	}
	// The config of an attestation manifest says unknown/unknown.
	if known(&config.Platform) {
		p := normalize(config.Platform)
		c.Descriptor.Platform = &p
	}
	c.Created = config.Created
	return c, nil
}

// split sorts the entries of an index: images, the attestation manifests of each image in it, and the rest (an index
// within the index, an attestation of an image that isn't there, an entry for the platform unknown/unknown).
func split(manifests []ocispec.Descriptor) (images []ocispec.Descriptor, attestations map[digest.Digest][]ocispec.Descriptor, other []ocispec.Descriptor) {
	attestations = map[digest.Digest][]ocispec.Descriptor{}
	for _, d := range manifests {
		if mediatype.IsManifest(d.MediaType) && !isAttestation(d) && (d.Platform == nil || known(d.Platform)) {
			images = append(images, d)
		}
	}
	for _, d := range manifests {
		subject := digest.Digest(d.Annotations[annotationReferenceDigest])
		switch isImage := func(i ocispec.Descriptor) bool { return i.Digest == subject }; {
		case isAttestation(d) && mediatype.IsManifest(d.MediaType) && slices.ContainsFunc(images, isImage):
			attestations[subject] = append(attestations[subject], d)
		case !mediatype.IsManifest(d.MediaType), isAttestation(d), d.Platform != nil && !known(d.Platform):
			other = append(other, d)
		}
	}
	return images, attestations, other
}

func (r repository) reading(dgst digest.Digest, await bool) task {
	return task{op: "reading", reference: r.name.Name() + "@" + dgst.String(), await: await}
}
