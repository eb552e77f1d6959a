package image

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/cli/cli/command"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// parallelReads is how many references are read from registries at once.
const parallelReads = 8

// creation is one run of create, step by step.
type creation struct {
	cli      command.Cli
	registry *manifest.Registry
	layouts  *layouts
	input    *createInput

	before      map[string]digest.Digest // what the targets had, for --if-unchanged
	collections []manifest.Collection    // of each source
	origins     map[digest.Digest]string
	where       map[digest.Digest][]reference.Named // repositories that have a manifest
	fresh       []manifest.Child                    // what the sources give
}

// collect reads the sources, all at once, and takes of them what is wanted.
func (c *creation) collect(ctx context.Context) error {
	sources := c.input.sources
	c.collections = make([]manifest.Collection, len(sources))
	reads, readCtx := errgroup.WithContext(ctx)
	reads.SetLimit(parallelReads)
	for i, source := range sources {
		reads.Go(func() (err error) {
			c.collections[i], err = c.registry.Collect(readCtx, source.ref)
			return err
		})
	}
	if err := reads.Wait(); err != nil {
		return err
	}
	c.origins, c.where = map[digest.Digest]string{}, map[digest.Digest][]reference.Named{}
	chosen := make([][]manifest.Child, len(sources))
	for i, source := range sources {
		var err error
		if chosen[i], err = source.choose(c.collections[i].Children); err != nil {
			return err
		}
		c.note(c.collections[i], source.origin)
		c.remark(source.ref, c.collections[i])
		if len(source.missing) > 0 {
			fmt.Fprintf(c.cli.Err(), "%s: its build went without %s\n", progress.Clean(source.origin), progress.Clean(strings.Join(source.missing, ", ")))
		}
	}
	c.fresh = manifest.Merge(chosen...)
	if err := c.filter(); err != nil {
		return err
	}
	return c.distinct()
}

// choose checks that the source has what it should, and takes of it what is
// wanted.
func (s createSource) choose(children []manifest.Child) ([]manifest.Child, error) {
	for _, platform := range slices.Sorted(maps.Keys(s.holds)) {
		held := func(c manifest.Child) bool { return c.Descriptor.Digest == s.holds[platform] }
		if !slices.ContainsFunc(children, held) {
			return nil, fmt.Errorf("%w: %s says that %s is %s, but %s does not list it", manifest.ErrDigest, s.origin, platform, s.holds[platform], reference.FamiliarString(s.ref))
		}
	}
	if s.wanted == nil {
		return children, nil
	}
	chosen := slices.DeleteFunc(slices.Clone(children), func(c manifest.Child) bool { return !s.wanted.matches(*c.Descriptor.Platform) })
	if len(chosen) == 0 {
		return nil, &LackError{image: reference.FamiliarString(s.ref), lacks: []string{s.wanted.String()}, has: platformsOf(children)}
	}
	return chosen, nil
}

// note remembers where manifests are, and who named them first.
func (c *creation) note(collection manifest.Collection, origin string) {
	for _, child := range collection.Children {
		if _, known := c.origins[child.Descriptor.Digest]; !known {
			c.origins[child.Descriptor.Digest] = origin
		}
		for _, d := range append([]ocispec.Descriptor{child.Descriptor}, child.Attestations...) {
			c.where[d.Digest] = append(c.where[d.Digest], collection.Repository)
		}
	}
}

// remark says what of a source is not taken as it is.
func (c *creation) remark(ref reference.Named, collection manifest.Collection) {
	name := progress.Clean(reference.FamiliarString(ref))
	for _, child := range collection.Children {
		if lie := misListed(child); lie != "" {
			fmt.Fprintf(c.cli.Err(), "%s lists %s as %s, but the image is for %s: that counts\n", name, child.Descriptor.Digest, lie, progress.Clean(platforms.FormatAll(*child.Descriptor.Platform)))
		}
	}
	if n := len(collection.Left); n > 0 {
		fmt.Fprintf(c.cli.Err(), "Left out of %s: %d entries that are no images\n", name, n)
	}
}

// misListed returns the platform by which an index lists an image that is for
// another, or "".
func misListed(child manifest.Child) string {
	if child.Listed == nil || child.Descriptor.Platform == nil {
		return ""
	}
	if listed := platforms.FormatAll(*child.Listed); listed != platforms.FormatAll(*child.Descriptor.Platform) {
		return progress.Clean(listed)
	}
	return ""
}

// filter keeps the platforms that were asked for, which must all be there.
func (c *creation) filter() error {
	if len(c.input.platforms) == 0 {
		return nil
	}
	if lacks := lacking(c.input.platforms, c.fresh); len(lacks) > 0 {
		return &LackError{image: "what the sources have", lacks: lacks, has: platformsOf(c.fresh)}
	}
	c.fresh = slices.DeleteFunc(c.fresh, func(child manifest.Child) bool {
		return !slices.ContainsFunc(c.input.platforms, func(p ocispec.Platform) bool { return platform.Same(p, *child.Descriptor.Platform) })
	})
	return nil
}

// distinct refuses two images for one platform, whoever named them: which one is
// meant is not for us to say.
func (c *creation) distinct() error {
	seen := map[string]manifest.Child{}
	for _, child := range c.fresh {
		p := platforms.FormatAll(*child.Descriptor.Platform)
		if other, twice := seen[p]; twice {
			a, b := other.Descriptor.Digest, child.Descriptor.Digest
			return argument.Wrong(errors.New(progress.Clean(fmt.Sprintf("%s twice: %s from %s and %s from %s", p, a, c.origins[a], b, c.origins[b]))))
		}
		seen[p] = child
	}
	return nil
}
