package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/command"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/mediatype"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// inspected is what a registry says of one reference.
type inspected struct {
	manifest.Inspection
	name reference.Named
	// chosen are the images that are shown.
	chosen []manifest.Child
	// attested are the kinds of attestations of each image, by its digest.
	attested map[digest.Digest][]string
	// verdicts say of each image, by its digest, whether its programs fit.
	verdicts map[digest.Digest]string
}

// fetch asks for all references at once. One that fails does not keep the others
// from being shown: the error has all that failed.
func (in *inspectInput) fetch(ctx context.Context, registry *manifest.Registry) ([]*inspected, error) {
	all, errs := make([]*inspected, len(in.names)), make([]error, len(in.names))
	var fetches errgroup.Group
	fetches.SetLimit(parallelReads)
	for i, name := range in.names {
		fetches.Go(func() error {
			all[i], errs[i] = in.fetchOne(ctx, registry, name)
			return nil
		})
	}
	_ = fetches.Wait() // the errors are in errs
	return slices.DeleteFunc(all, func(f *inspected) bool { return f == nil }), errors.Join(errs...)
}

func (in *inspectInput) fetchOne(ctx context.Context, registry *manifest.Registry, name reference.Named) (*inspected, error) {
	found, err := registry.Inspect(ctx, name)
	if err != nil {
		return nil, err
	}
	f := &inspected{Inspection: found, name: name, chosen: found.Images}
	if len(in.platforms) > 0 {
		if lacks := lacking(in.platforms, found.Images); len(lacks) > 0 {
			return nil, &LackError{image: reference.FamiliarString(name), lacks: lacks, has: platformsOf(found.Images)}
		}
		f.chosen = slices.DeleteFunc(slices.Clone(found.Images), func(c manifest.Child) bool {
			return c.Descriptor.Platform == nil || !slices.ContainsFunc(in.platforms, func(p ocispec.Platform) bool { return platform.Same(p, *c.Descriptor.Platform) })
		})
	}
	if in.raw || in.config {
		return f, nil
	}
	f.attested, err = attestedKinds(ctx, registry, name, f.chosen)
	return f, err
}

// warnNested says what is not shown: lists that the list has in it. Not every engine
// finds the images of these.
func (f *inspected) warnNested(dockerCLI command.Cli) {
	for _, d := range f.Other {
		if mediatype.IsIndex(d.MediaType) {
			fmt.Fprintf(dockerCLI.Err(), "%s lists another list, %s, whose images are not shown: look at %s@%s\n",
				reference.FamiliarString(f.name), d.Digest, reference.FamiliarName(f.name), d.Digest)
		}
	}
}

// attestedKinds reads what the attestation manifests of images state. One that is
// not there is of the kind "missing".
func attestedKinds(ctx context.Context, registry *manifest.Registry, name reference.Named, images []manifest.Child) (map[digest.Digest][]string, error) {
	kinds := map[digest.Digest][]string{}
	var mu sync.Mutex
	reads, readCtx := errgroup.WithContext(ctx)
	reads.SetLimit(parallelReads)
	for _, image := range images {
		for _, attestation := range image.Attestations {
			reads.Go(func() error {
				predicates, err := registry.Predicates(readCtx, name, attestation)
				if errors.Is(err, manifest.ErrNotFound) {
					predicates, err = []string{"missing"}, nil
				}
				mu.Lock()
				defer mu.Unlock()
				for _, predicate := range predicates {
					if kind := attestationKind(predicate); !slices.Contains(kinds[image.Descriptor.Digest], kind) {
						kinds[image.Descriptor.Digest] = append(kinds[image.Descriptor.Digest], kind)
					}
				}
				return err
			})
		}
	}
	err := reads.Wait()
	for _, all := range kinds {
		slices.Sort(all)
	}
	return kinds, err
}

// attestationKind gives a predicate the name that docker has for it.
func attestationKind(predicate string) string {
	switch {
	case strings.HasPrefix(predicate, "https://spdx.dev/"), strings.HasPrefix(predicate, "https://cyclonedx.org/"):
		return "sbom"
	case strings.HasPrefix(predicate, "https://slsa.dev/provenance/"):
		return "provenance"
	}
	return progress.Clean(predicate)
}

// printExact prints what the registry has, to the byte. A terminal gets it clean.
func (in *inspectInput) printExact(ctx context.Context, dockerCLI command.Cli, registry *manifest.Registry, f *inspected) error {
	raw := f.Raw
	if in.config {
		if len(f.chosen) != 1 {
			return argument.Wrong(fmt.Errorf("--config prints one platform: choose with --platform from %s", strings.Join(platformsOf(f.chosen), ", ")))
		}
		var err error
		if raw, err = registry.Config(ctx, f.name, f.chosen[0].Descriptor.Digest); err != nil {
			return err
		}
	}
	if err := in.gate.check([]*inspected{f}); err != nil {
		return err
	}
	if dockerCLI.Out().IsTerminal() {
		raw = []byte(progress.Clean(string(raw)))
	}
	_, err := dockerCLI.Out().Write(raw)
	return err
}
