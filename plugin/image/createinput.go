package image

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// What becomes of the attestations of the sources.
const (
	attestationsKeep = "keep"
	attestationsDrop = "drop"
)

// createInput is what the flags of create mean, checked without talking to any
// registry.
type createInput struct {
	targets     []reference.NamedTagged
	sources     []createSource
	platforms   []ocispec.Platform
	annotations []indexAnnotation
	mediaType   string
	drop        bool // attestations
	extend      bool
	dryRun      bool
	guard       registry.Guard
}

// createSource is an image, or an index of images, that the result is made of.
type createSource struct {
	origin string // what the user wrote, or in which file
	ref    reference.Named
	// wanted is the image of the source that counts; nil takes all.
	wanted *specPlatform
	// holds are images that the source must have, by platform.
	holds map[string]digest.Digest
	// missing are platforms that the build of the source was allowed to lack.
	missing []string
}

// read checks the flags and the files they name.
func (o createOptions) read(stdin io.Reader) (*createInput, error) {
	in := &createInput{drop: o.attestations == attestationsDrop, extend: o.extend, dryRun: o.dryRun}
	if !in.drop && o.attestations != attestationsKeep {
		return nil, argument.Wrong(fmt.Errorf("invalid --attestations %q, must be %s or %s", o.attestations, attestationsKeep, attestationsDrop))
	}
	var err error
	if in.mediaType, err = manifest.IndexMediaType(o.indexFormat); err != nil {
		return nil, argument.Wrong(fmt.Errorf("invalid --index-format: %w", err))
	}
	if in.guard, err = registry.NewGuard(o.ifUnchanged); err != nil {
		return nil, err
	}
	if in.platforms, err = argument.Platforms(o.platforms); err != nil {
		return nil, err
	}
	if in.targets, err = argument.Targets(o.tags); err != nil {
		return nil, err
	}
	if err := in.readFiles(o.from, stdin); err != nil {
		return nil, err
	}
	if err := in.readSources(o.sources); err != nil {
		return nil, err
	}
	for _, text := range o.annotations {
		a, err := parseIndexAnnotation(text)
		if err != nil {
			return nil, err
		}
		in.annotations = append(in.annotations, a)
	}
	return in, in.check()
}

func (in *createInput) check() error {
	switch {
	case len(in.sources) == 0:
		return argument.Wrong(errors.New("nothing to make an image of: name a SOURCE, or a file with --from"))
	case len(in.targets) == 0 && in.extend:
		return argument.Wrong(errors.New("--append needs the name of what is added to: --tag"))
	case len(in.targets) == 0 && !in.dryRun:
		return argument.Wrong(errors.New("the image needs a name: --tag"))
	}
	return nil
}

// readSources takes references, and digests of images in the repository of the
// first target.
func (in *createInput) readSources(all []string) error {
	for _, text := range all {
		source := createSource{origin: text}
		dgst := digest.Digest(text)
		var err error
		switch {
		case dgst.Validate() != nil:
			source.ref, err = argument.Reference(text)
		case len(in.targets) > 0:
			source.ref, err = reference.WithDigest(reference.TrimNamed(in.targets[0]), dgst)
		default:
			err = argument.Wrong(fmt.Errorf("%s is in no repository: write NAME@%s", text, text))
		}
		if err != nil {
			return err
		}
		in.sources = append(in.sources, source)
	}
	return nil
}

// sameNames tells whether two lists have the same targets, in any order.
func sameNames(a, b []reference.NamedTagged) bool {
	x, y := registry.Familiar(a), registry.Familiar(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}
