// Package mediatype names the media types of Docker's images, schema 2, beside those of OCI, which
// image-spec names.
//
// It is words alone: it reads no image and talks to nobody.
package mediatype

import (
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Media types of Docker's image manifest version 2, schema 2.
const (
	DockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	DockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	DockerConfig   = "application/vnd.docker.container.image.v1+json"
	DockerLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"

	dockerForeignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
)

var (
	// Indexes are those of what lists manifests.
	Indexes = []string{ocispec.MediaTypeImageIndex, DockerList}
	// Manifests are those of one image's manifest.
	Manifests = []string{ocispec.MediaTypeImageManifest, DockerManifest}
)

// IsIndex tells an index or manifest list.
func IsIndex(mediaType string) bool { return slices.Contains(Indexes, mediaType) }

// IsManifest tells the manifest of one image.
func IsManifest(mediaType string) bool { return slices.Contains(Manifests, mediaType) }

var foreign = []string{
	dockerForeignLayer,
	ocispec.MediaTypeImageLayerNonDistributable,     //nolint:staticcheck // older images have it
	ocispec.MediaTypeImageLayerNonDistributableGzip, //nolint:staticcheck // older images have it
	ocispec.MediaTypeImageLayerNonDistributableZstd, //nolint:staticcheck // older images have it
}

// IsForeign tells a layer that registries need not hold, as base layers of older Windows images.
func IsForeign(mediaType string) bool { return slices.Contains(foreign, mediaType) }

var oci = map[string]string{
	DockerList:         ocispec.MediaTypeImageIndex,
	DockerManifest:     ocispec.MediaTypeImageManifest,
	DockerConfig:       ocispec.MediaTypeImageConfig,
	DockerLayer:        ocispec.MediaTypeImageLayerGzip,
	dockerForeignLayer: ocispec.MediaTypeImageLayerNonDistributableGzip, //nolint:staticcheck // older images have it
}

// ToOCI makes OCI's name of Docker's, and says whether it was Docker's. What the two name is the same to the byte, but for
// the names in it.
func ToOCI(mediaType *string) bool {
	name, ok := oci[*mediaType]
	if ok {
		*mediaType = name
	}
	return ok
}
