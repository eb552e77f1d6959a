package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
	"github.com/docker-multiarch/docker-multiarch/platform"
)

// Annotations by which BuildKit ties an attestation manifest to its image
// (github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md).
const (
	annotationReferenceType   = "vnd.docker.reference.type"
	annotationReferenceDigest = "vnd.docker.reference.digest"
	attestationManifest       = "attestation-manifest"
)

// maxManifest is the size up to which registries are asked to take manifests (OCI distribution spec: 4 MiB at least), and
// up to which they are read here.
const maxManifest = 8 << 20

// IndexOptions is what may be chosen about an index.
type IndexOptions struct {
	Annotations map[string]string // of the index itself; they make it an OCI index
	MediaType   string            // "" takes the one that fits the images
}

// Index is an OCI image index or Docker manifest list, ready to be published.
type Index struct {
	Descriptor ocispec.Descriptor
	Manifests  []ocispec.Descriptor // the images in order, then their attestation manifests
	Raw        []byte
}

// NewIndex joins children into one index. The images are sorted by os, architecture, variant and os.version (newest
// first), whatever the order of children; the attestation manifests follow all images, in the order of these. The same
// children give the same bytes. It is an [ErrInvalid] if there is no child, a child has no platform, two have the same
// one (os.version counts), the wanted media type can't hold them, or the result is larger than 8 MiB.
func NewIndex(children []Child, o IndexOptions) (Index, error) {
	idx, err := newIndex(children, o)
	if err != nil {
		return Index{}, fmt.Errorf("making the index: %w: %w", ErrInvalid, err)
	}
	return idx, nil
}

func newIndex(children []Child, o IndexOptions) (Index, error) {
	manifests, err := indexEntries(children)
	if err != nil {
		return Index{}, err
	}
	mediaType, err := indexMediaType(manifests, o)
	if err != nil {
		return Index{}, err
	}
	// An OCI index and a Docker manifest list have the same JSON fields, as far as they are filled here.
	raw, err := json.MarshalIndent(ocispec.Index{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   mediaType,
		Manifests:   manifests,
		Annotations: maps.Clone(o.Annotations),
	}, "", "  ")
	if err != nil {
		return Index{}, err
	}
	if len(raw) > maxManifest {
		return Index{}, fmt.Errorf("%d bytes, more than the %d that registries take", len(raw), maxManifest)
	}
	return Index{Descriptor: describeRaw(mediaType, raw), Manifests: manifests, Raw: raw}, nil
}

// indexEntries checks the children and gives their descriptors in the order of the index.
func indexEntries(children []Child) ([]ocispec.Descriptor, error) {
	if len(children) == 0 {
		return nil, errors.New("no images")
	}
	seen := make(map[string]digest.Digest, len(children))
	var images, attestations []ocispec.Descriptor
	for _, c := range sortedChildren(children) {
		d := c.Descriptor
		if !known(d.Platform) {
			return nil, fmt.Errorf("%s has no platform", d.Digest)
		}
		p := normalize(*d.Platform)
		d.Platform = &p
		key := platformKey(p)
		if other, ok := seen[key]; ok {
			return nil, fmt.Errorf("%s twice: %s and %s", key, other, d.Digest)
		}
		seen[key] = d.Digest
		images = append(images, d)
		for _, a := range c.Attestations {
			if !isAttestation(a) || a.Annotations[annotationReferenceDigest] != d.Digest.String() {
				return nil, fmt.Errorf("%s is not an attestation manifest of %s", a.Digest, d.Digest)
			}
			attestations = append(attestations, a)
		}
	}
	entries := slices.Concat(images, attestations)
	for _, d := range entries {
		if !mediatype.IsManifest(d.MediaType) {
			return nil, fmt.Errorf("%s is a %q, not an image manifest", d.Digest, d.MediaType)
		}
		if err := validDescriptor(d); err != nil {
			return nil, err
		}
	}
	return entries, nil
}

func sortedChildren(children []Child) []Child {
	of := func(c Child) ocispec.Platform {
		if c.Descriptor.Platform == nil {
			return ocispec.Platform{}
		}
		return normalize(*c.Descriptor.Platform)
	}
	return slices.SortedStableFunc(slices.Values(children), func(a, b Child) int {
		return platform.Compare(of(a), of(b))
	})
}

// indexMediaType chooses by the rule of buildx: a Docker manifest list only if everything fits in it. Registries such as
// Quay refuse a list with OCI manifests in it, and a list can't hold annotations.
func indexMediaType(manifests []ocispec.Descriptor, o IndexOptions) (string, error) {
	docker := len(o.Annotations) == 0 && !slices.ContainsFunc(manifests, func(d ocispec.Descriptor) bool {
		return d.MediaType != mediatype.DockerManifest || len(d.Annotations) > 0
	})
	switch {
	case o.MediaType == "" && docker:
		return mediatype.DockerList, nil
	case o.MediaType == "", o.MediaType == ocispec.MediaTypeImageIndex:
		return ocispec.MediaTypeImageIndex, nil
	case o.MediaType == mediatype.DockerList && docker:
		return mediatype.DockerList, nil
	case o.MediaType == mediatype.DockerList:
		return "", errors.New("a Docker manifest list can hold neither OCI manifests nor annotations")
	}
	return "", fmt.Errorf("%q is not the media type of an index", o.MediaType)
}

func describeRaw(mediaType string, raw []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw))}
}
