package image

import (
	"errors"
	"fmt"
	"slices"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/go-units"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/manifest"
)

// inspectGate is what images have to be like.
type inspectGate struct {
	require []ocispec.Platform
	maxSize int64 // 0: any
	verify  bool  // there has to be something whose programs were looked at
}

// SizeError is returned when an image is larger than allowed.
type SizeError struct {
	image, platform string
	size, limit     int64
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%s: %s has %s, more than %s", e.image, e.platform,
		units.HumanSizeWithPrecision(float64(e.size), 4), units.HumanSizeWithPrecision(float64(e.limit), 4))
}

// check returns everything that is not as it should be.
func (g inspectGate) check(all []*inspected) error {
	var errs []error
	for _, f := range all {
		name := reference.FamiliarString(f.name)
		// What an index lists as something else is found by no engine.
		honest := slices.DeleteFunc(slices.Clone(f.Images), func(c manifest.Child) bool { return misListed(c) != "" })
		if lacks := lacking(g.require, honest); len(lacks) > 0 {
			errs = append(errs, &LackError{image: name, lacks: lacks, has: platformsOf(honest)})
		}
		if len(f.Images) == 0 && len(g.require) == 0 && (g.maxSize > 0 || g.verify) {
			errs = append(errs, &LackError{image: name, lacks: []string{"an image to look at"}})
		}
		for _, c := range f.chosen {
			if g.maxSize > 0 && c.Size > g.maxSize {
				platform := c.Descriptor.Digest.String()
				if c.Descriptor.Platform != nil {
					platform = platforms.FormatAll(*c.Descriptor.Platform)
				}
				errs = append(errs, &SizeError{image: name, platform: platform, size: c.Size, limit: g.maxSize})
			}
		}
	}
	return errors.Join(errs...)
}
