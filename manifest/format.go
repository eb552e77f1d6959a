package manifest

import (
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

// IndexMediaType gives the media type of an index by the name of its format, for [IndexOptions]: oci, docker, or auto for
// the one that fits the images.
func IndexMediaType(format string) (string, error) {
	switch format {
	case "", "auto":
		return "", nil
	case "oci":
		return ocispec.MediaTypeImageIndex, nil
	case "docker":
		return mediatype.DockerList, nil
	}
	return "", fmt.Errorf("%q is not a format of an index, must be auto, oci or docker", format)
}
