package manifest

import (
	"context"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxDepth is how many manifests can stand one in another.
const maxDepth = 4

// tree is a manifest or several, and everything below: level by level, an index before what it lists.
type tree struct {
	levels [][]document
	blobs  blobSet
}

// tree reads the manifests descs and all that they list, each by digest, once.
func (r repository) tree(ctx context.Context, descs []ocispec.Descriptor, await bool) (tree, error) {
	var t tree
	seen := map[digest.Digest]bool{}
	for len(descs) > 0 {
		descs = slices.DeleteFunc(slices.Clone(descs), func(d ocispec.Descriptor) bool {
			again := seen[d.Digest]
			seen[d.Digest] = true
			return again
		})
		if err := r.bounded(ctx, len(t.levels), len(seen), descs); err != nil {
			return tree{}, err
		}
		level, err := r.level(ctx, descs, await)
		if err != nil {
			return tree{}, err
		}
		t.levels = append(t.levels, level)
		descs = nil
		for _, doc := range level {
			descs = append(descs, doc.manifests...)
			t.add(doc)
		}
	}
	return t, nil
}

func (t *tree) add(doc document) {
	if !doc.isIndex() {
		t.blobs.add(doc.config)
		t.blobs.add(doc.layers...)
	}
}

// bounded keeps a registry from sending us through manifests without end.
func (r repository) bounded(ctx context.Context, depth, count int, descs []ocispec.Descriptor) error {
	var cause error
	switch {
	case depth >= maxDepth:
		cause = fmt.Errorf("more than %d manifests in one another", maxDepth)
	case count > maxDescriptors:
		cause = fmt.Errorf("more than %d manifests", maxDescriptors)
	default:
		return nil
	}
	return r.explain(ctx, r.reading(descs[0].Digest, false), &failure{class: ErrInvalid, cause: cause})
}

func (r repository) level(ctx context.Context, descs []ocispec.Descriptor, await bool) ([]document, error) {
	level := make([]document, len(descs))
	g, ctx := group(ctx)
	for i, d := range descs {
		g.Go(func() error {
			t := r.reading(d.Digest, await)
			doc, err := r.document(ctx, t, d.Digest.String())
			if err != nil {
				return err
			}
			if err := sameDescriptor(d, doc.descriptor); err != nil {
				return r.explain(ctx, t, err)
			}
			level[i] = doc
			return nil
		})
	}
	return level, g.Wait()
}

// present proves that the repository has all that doc refers to, as complete does, but doesn't judge what it is.
func (r repository) present(ctx context.Context, doc document) error {
	below, err := r.tree(ctx, doc.manifests, true)
	if err != nil {
		return err
	}
	below.add(doc)
	g, ctx := group(ctx)
	for _, d := range below.blobs.all {
		g.Go(func() error { return r.head(ctx, r.reading(d.Digest, true), d) })
	}
	return g.Wait()
}
