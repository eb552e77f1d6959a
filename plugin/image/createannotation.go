package image

import (
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// indexAnnotation is an annotation of an index, or of its entries.
type indexAnnotation struct {
	key, value string
	entries    bool              // of the entries, not of the index
	platform   *ocispec.Platform // nil: all of them
}

var annotationLevel = regexp.MustCompile(`^([a-z-]+)(?:\[([^\]]*)\])?$`)

// parseIndexAnnotation reads the notation of docker buildx. The manifests of the
// images can't be annotated: they would be other images then.
func parseIndexAnnotation(text string) (indexAnnotation, error) {
	invalid := func(why string) (indexAnnotation, error) {
		return indexAnnotation{}, argument.Wrong(fmt.Errorf("invalid --annotation %q: %s", text, why))
	}
	var a indexAnnotation
	left, value, found := strings.Cut(text, "=")
	level, key, levelled := strings.Cut(left, ":")
	parts := annotationLevel.FindStringSubmatch(level)
	if !levelled || parts == nil {
		parts, key = []string{"", "index", ""}, left
	}
	if !found || key == "" {
		return invalid("want [LEVEL:]KEY=VALUE")
	}
	a.key, a.value, a.entries = key, value, parts[1] == "manifest-descriptor"
	switch {
	case parts[1] != "index" && !a.entries:
		return invalid("the level must be index or manifest-descriptor")
	case strings.Contains(level, "[") && levelled && !a.entries:
		return invalid("an index has no platform")
	case a.entries && strings.Contains(level, "["):
		p, err := platform.Parse(parts[2])
		if err != nil {
			return indexAnnotation{}, err
		}
		a.platform = &p
	}
	return a, nil
}

// annotate adds annotations to the entries of an index, and returns those of the
// index itself, on top of what it had.
func annotate(children []manifest.Child, had map[string]string, all []indexAnnotation) (map[string]string, error) {
	index := maps.Clone(had)
	if index == nil {
		index = map[string]string{}
	}
	for _, a := range all {
		if !a.entries {
			index[a.key] = a.value
			continue
		}
		found := false
		for i := range children {
			d := &children[i].Descriptor
			if a.platform != nil && !platform.Same(*d.Platform, *a.platform) {
				continue
			}
			found, d.Annotations = true, maps.Clone(d.Annotations)
			if d.Annotations == nil {
				d.Annotations = map[string]string{}
			}
			d.Annotations[a.key] = a.value
		}
		if !found {
			return nil, argument.Wrong(fmt.Errorf("--annotation manifest-descriptor[%s]: the image has no such platform", platforms.FormatAll(*a.platform)))
		}
	}
	return index, nil
}
