package archive

import (
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

// convertManifest makes OCI media types of Docker's, and says whether there were any.
func convertManifest(m *ocispec.Manifest) bool {
	changed := mediatype.ToOCI(&m.MediaType)
	changed = mediatype.ToOCI(&m.Config.MediaType) || changed
	for i := range m.Layers {
		changed = mediatype.ToOCI(&m.Layers[i].MediaType) || changed
	}
	return changed
}
