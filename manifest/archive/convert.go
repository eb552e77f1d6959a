package archive

import (
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Media types of Docker's image manifest version 2, schema 2.
const (
	dockerList         = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest     = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig       = "application/vnd.docker.container.image.v1+json"
	dockerLayer        = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	dockerForeignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
)

// foreign are the media types of layers that registries don't hold.
var foreign = []string{
	dockerForeignLayer,
	ocispec.MediaTypeImageLayerNonDistributable,     //nolint:staticcheck // older images have it
	ocispec.MediaTypeImageLayerNonDistributableGzip, //nolint:staticcheck // older images have it
	ocispec.MediaTypeImageLayerNonDistributableZstd, //nolint:staticcheck // older images have it
}

func isForeign(mediaType string) bool { return slices.Contains(foreign, mediaType) }

// ociTypes has OCI's names for Docker's media types. What they name is the same to the byte, but for the names in it.
var ociTypes = map[string]string{
	dockerList:         ocispec.MediaTypeImageIndex,
	dockerManifest:     ocispec.MediaTypeImageManifest,
	dockerConfig:       ocispec.MediaTypeImageConfig,
	dockerLayer:        ocispec.MediaTypeImageLayerGzip,
	dockerForeignLayer: ocispec.MediaTypeImageLayerNonDistributableGzip, //nolint:staticcheck // older images have it
}

// toOCI converts one media type, and says whether it was Docker's.
func toOCI(mediaType *string) bool {
	oci, ok := ociTypes[*mediaType]
	if ok {
		*mediaType = oci
	}
	return ok
}

// convertManifest makes OCI media types of Docker's, and says whether there were any.
func convertManifest(m *ocispec.Manifest) bool {
	changed := toOCI(&m.MediaType)
	changed = toOCI(&m.Config.MediaType) || changed
	for i := range m.Layers {
		changed = toOCI(&m.Layers[i].MediaType) || changed
	}
	return changed
}
