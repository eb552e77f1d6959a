package oracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Want is what a test asked the product for.
type Want struct {
	// Platforms are all platforms, in the order of the index, without attestations. Each is written os[(osversion)]/arch[/variant],
	// such as "linux/arm/v7" or "windows(10.0.20348.1)/amd64". An empty list asks for nothing.
	Platforms []string
	// MediaType is the media type of what the reference points at; "" means any.
	MediaType string
}

// Image is what a reference points at: an index, or a manifest for a single platform, which has itself as its only child.
type Image struct {
	Digest    string
	MediaType string
	Raw       []byte
	Children  []Child // In the order of the index, attestation manifests included.
}

// Child is one image manifest or attestation manifest.
type Child struct {
	Platform     string // In the form of Want.Platforms: the descriptor's, or the config's if there is no index.
	Digest       string
	MediaType    string
	Raw          []byte
	ConfigDigest string // What a graph driver engine calls the image ID.
	Config       []byte // The config's JSON, for what tests look at besides labels.
	Layers       []Layer
	Labels       map[string]string
	Annotations  map[string]string // The descriptor's, in the index.
	Attestation  bool
	Subject      string // The digest of the child that an attestation manifest is about.

	platform platform
}

// Layer is one layer of a child, as its manifest and config describe it.
type Layer struct {
	Digest    string
	MediaType string
	Size      int64
	DiffID    string // Empty in an attestation manifest.
}

// Check reads what repo:ref points at to the last byte, and returns what it found. ref is a tag or a digest. Every manifest, config
// and layer is fetched whole, and its SHA-256 and size are recomputed; a layer that several children have is fetched once. The
// error joins all that is wrong, each a *[ViolationError] or a failed request; errors.Is(err, ErrSize) and the like tell which rules
// were broken, and [ErrNoTag] that there is nothing to check. The Image has what could be read in spite of that.
func (r *Registry) Check(ctx context.Context, repo, ref string, want Want) (Image, error) {
	c := &checker{registry: r, repo: repo, layers: map[string]measured{}}
	image := c.image(ctx, ref, want)
	if err := errors.Join(c.found...); err != nil {
		return image, fmt.Errorf("checking %s: %w", refName(repo, ref), err)
	}
	return image, nil
}

// checker is one run of Check. It collects what is wrong and goes on.
type checker struct {
	registry *Registry
	repo     string
	layers   map[string]measured
	found    []error
}

func (c *checker) report(where string, rule error, format string, args ...any) {
	c.found = append(c.found, violation(where, rule, format, args...))
}

func (c *checker) note(err error) {
	if err != nil {
		c.found = append(c.found, err)
	}
}

func (c *checker) image(ctx context.Context, ref string, want Want) Image {
	root, err := c.registry.manifest(ctx, c.repo, ref)
	c.note(err)
	if root.Raw == nil {
		return Image{}
	}
	if !isDigest(ref) {
		c.tagIsDigest(ctx, ref, root)
	}
	image := Image{Digest: root.Digest, MediaType: root.MediaType, Raw: root.Raw}
	doc, known := c.document("root", root)
	switch {
	case !known:
		return image
	case isIndexType(root.MediaType):
		image.Children = c.index(ctx, root.MediaType, doc)
	default:
		image.Children = []Child{c.single(ctx, root, doc)}
	}
	c.wanted(image, want)
	return image
}

// tagIsDigest asks for the same thing by digest: a registry that keeps both apart, or a cache in front of it, may answer otherwise.
func (c *checker) tagIsDigest(ctx context.Context, tag string, byTag Manifest) {
	byDigest, err := c.registry.manifest(ctx, c.repo, byTag.Digest)
	c.note(err)
	switch {
	case byDigest.Raw == nil:
		c.report("root", ErrTag, "tag %s gives %s, which can't be read by digest", tag, byTag.Digest)
	case !bytes.Equal(byDigest.Raw, byTag.Raw):
		c.report("root", ErrTag, "tag %s gives %s, which by digest gives %s", tag, byTag.Digest, byDigest.Digest)
	case byDigest.MediaType != byTag.MediaType:
		c.report("root", ErrTag, "tag %s is sent as %q, by digest as %q", tag, byTag.MediaType, byDigest.MediaType)
	}
}

func (c *checker) wanted(image Image, want Want) {
	if want.MediaType != "" && image.MediaType != want.MediaType {
		c.report("root", ErrWanted, "media type %q, want %q", image.MediaType, want.MediaType)
	}
	if len(want.Platforms) == 0 {
		return
	}
	var got, asked []string
	for _, child := range image.Children {
		if !child.Attestation {
			got = append(got, child.Platform)
		}
	}
	for _, text := range want.Platforms {
		p, err := parsePlatform(text)
		c.note(err)
		asked = append(asked, p.String())
	}
	if !slices.Equal(got, asked) {
		c.report("root", ErrWanted, "platforms %q, want %q", got, asked)
	}
}
