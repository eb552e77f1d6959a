package argument

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/platform"
)

// Targets reads names to publish under, and leaves out what was named
// before.
func Targets(tags []string) ([]reference.NamedTagged, error) {
	var targets []reference.NamedTagged
	for _, tag := range tags {
		named, err := reference.ParseNormalizedNamed(tag)
		if err != nil {
			return nil, Wrong(fmt.Errorf("invalid tag %q: %w", tag, err))
		}
		if _, ok := named.(reference.Digested); ok {
			return nil, Wrong(fmt.Errorf("invalid tag %q: a digest can't be chosen", tag))
		}
		target, ok := reference.TagNameOnly(named).(reference.NamedTagged)
		if !ok {
			return nil, Wrong(fmt.Errorf("invalid tag %q", tag))
		}
		if !slices.ContainsFunc(targets, func(t reference.NamedTagged) bool { return t.String() == target.String() }) {
			targets = append(targets, target)
		}
	}
	return targets, nil
}

// Platforms reads platforms and leaves out what was named before.
func Platforms(all []string) ([]ocispec.Platform, error) {
	return PlatformsBy(all, platform.Parse)
}

// PlatformsBy reads platforms with a reader of the caller's, as Platforms does.
func PlatformsBy(all []string, parse func(string) (ocispec.Platform, error)) ([]ocispec.Platform, error) {
	var parsed []ocispec.Platform
	for _, s := range all {
		p, err := parse(strings.TrimSpace(s))
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(parsed, func(q ocispec.Platform) bool { return platform.Compare(p, q) == 0 }) {
			parsed = append(parsed, p)
		}
	}
	return parsed, nil
}

// Reference reads the name of an image in a registry; without tag and
// digest it is the tag latest.
func Reference(text string) (reference.Named, error) {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return nil, Wrong(fmt.Errorf("invalid reference %q: %w", text, err))
	}
	return reference.TagNameOnly(named), nil
}
