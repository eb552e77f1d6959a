package manifest

import (
	"context"
	"errors"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// annotationPredicate says of a layer of an attestation manifest what is stated in it.
const annotationPredicate = "in-toto.io/predicate-type"

// Config reads the config of an image as the registry holds it. Failures are an *[Error].
func (r *Registry) Config(ctx context.Context, repo reference.Named, image digest.Digest) ([]byte, error) {
	in := r.repository(repo, false)
	t := in.reading(image, false)
	doc, err := in.document(ctx, t, image.String())
	if err != nil {
		return nil, err
	}
	if doc.isIndex() {
		return nil, in.explain(ctx, t, &failure{class: ErrInvalid, cause: errors.New("an index where an image is wanted")})
	}
	return in.blob(ctx, t, doc.config)
}

// Predicates tells what an attestation manifest states: the types of its predicates, as "https://spdx.dev/Document". The
// statements themselves are not read. Failures are an *[Error].
func (r *Registry) Predicates(ctx context.Context, repo reference.Named, attestation ocispec.Descriptor) ([]string, error) {
	in := r.repository(repo, false)
	t := in.reading(attestation.Digest, false)
	doc, err := in.document(ctx, t, attestation.Digest.String())
	if err != nil {
		return nil, err
	}
	if err := sameDescriptor(attestation, doc.descriptor); err != nil {
		return nil, in.explain(ctx, t, err)
	}
	var all []string
	for _, l := range doc.layers {
		if predicate := l.Annotations[annotationPredicate]; predicate != "" {
			all = append(all, predicate)
		}
	}
	return all, nil
}
