package archive

import (
	"encoding/json"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

const (
	maxDepth = 4    // manifests one in another
	maxBlobs = 1000 // that one manifest names
)

// keeper makes images in an archive part of a layout.
type keeper struct {
	*entries

	dir     *layout.Dir
	convert bool // Docker's media types to OCI's
}

// keep makes a manifest or index and all that it refers to part of the layout. It returns its descriptor, which is another
// one if media types were converted.
func (k keeper) keep(desc ocispec.Descriptor, depth int) (ocispec.Descriptor, error) {
	file := k.blob(desc.Digest)
	switch {
	case file == nil:
		return desc, invalid("it lacks %s", desc.Digest)
	case depth == maxDepth:
		return desc, invalid("more than %d manifests in one another", maxDepth)
	}
	var kind struct{ Config, Manifests json.RawMessage }
	if _, err := k.decode(blobName(desc.Digest), &kind); err != nil {
		return desc, err
	}
	var converted any
	var err error
	switch {
	case (kind.Config == nil) == (kind.Manifests == nil):
		return desc, invalid("%s is neither an image manifest nor an index", desc.Digest)
	case kind.Config != nil:
		desc.MediaType, converted, err = k.manifest(desc.Digest)
	default:
		desc.MediaType, converted, err = k.index(desc.Digest, depth)
	}
	if err != nil {
		return desc, err
	}
	if converted == nil {
		desc.Size = file.Size
		return desc, file.Keep()
	}
	stored, err := store(k.dir, desc.MediaType, converted)
	desc.Digest, desc.Size = stored.Digest, stored.Size
	return desc, err
}

// manifest keeps what an image manifest refers to. What it returns beside the media type is nil, unless it was converted.
func (k keeper) manifest(dgst digest.Digest) (mediaType string, converted any, err error) {
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest}
	if _, err := k.decode(blobName(dgst), &m); err != nil {
		return "", nil, err
	}
	if len(m.Layers) > maxBlobs {
		return "", nil, invalid("%s has %d layers", dgst, len(m.Layers))
	}
	for _, blob := range append([]ocispec.Descriptor{m.Config}, m.Layers...) {
		file := k.blob(blob.Digest)
		switch {
		case file == nil && mediatype.IsForeign(blob.MediaType):
			continue
		case file == nil:
			return "", nil, invalid("it lacks %s", blob.Digest)
		case file.Size != blob.Size:
			return "", nil, invalid("%s has %d bytes instead of %d", blob.Digest, file.Size, blob.Size)
		}
		if err := file.Keep(); err != nil {
			return "", nil, err
		}
	}
	if k.convert && convertManifest(&m) {
		converted = m
	}
	return m.MediaType, converted, nil
}

// index keeps what an index lists, and converts it as manifest does. What is attested of an image holds for its digest:
// such images stay as they are.
func (k keeper) index(dgst digest.Digest, depth int) (mediaType string, converted any, err error) {
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex}
	if _, err := k.decode(blobName(dgst), &index); err != nil {
		return "", nil, err
	}
	if len(index.Manifests) > maxBlobs {
		return "", nil, invalid("%s lists %d manifests", dgst, len(index.Manifests))
	}
	k.convert = k.convert && !slices.ContainsFunc(index.Manifests, func(d ocispec.Descriptor) bool { return d.Annotations[attests] != "" })
	for i, child := range index.Manifests {
		kept, err := k.keep(child, depth+1)
		if err != nil {
			return "", nil, err
		}
		if kept.Digest != child.Digest {
			converted = &index
		}
		index.Manifests[i] = kept
	}
	if k.convert && mediatype.ToOCI(&index.MediaType) {
		converted = &index
	}
	return index.MediaType, converted, nil
}

// attests is the annotation by which BuildKit ties an attestation manifest to its image.
const attests = "vnd.docker.reference.digest"
