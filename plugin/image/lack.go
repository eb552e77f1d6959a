package image

import (
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/platform"
)

// LackError is returned when an image lacks platforms that were asked for.
type LackError struct {
	image      string
	lacks, has []string
}

func (e *LackError) Error() string {
	has := "no image"
	if len(e.has) > 0 {
		has = strings.Join(e.has, ", ")
	}
	return e.image + " lacks " + strings.Join(e.lacks, ", ") + "; it has " + has
}

// lacking returns those of wanted for which there is no image. One that is listed
// as something else than it is does not count: engines would not run it.
func lacking(wanted []ocispec.Platform, children []manifest.Child) []string {
	var lacks []string
	for _, p := range wanted {
		fits := func(c manifest.Child) bool {
			return c.Descriptor.Platform != nil && platform.Same(p, *c.Descriptor.Platform)
		}
		if !slices.ContainsFunc(children, fits) {
			lacks = append(lacks, platforms.FormatAll(p))
		}
	}
	return lacks
}

// platformsOf names the platforms of images, as far as they say any.
func platformsOf(children []manifest.Child) []string {
	var all []string
	for _, c := range children {
		if c.Descriptor.Platform != nil {
			all = append(all, progress.Clean(platforms.FormatAll(*c.Descriptor.Platform)))
		}
	}
	return all
}
