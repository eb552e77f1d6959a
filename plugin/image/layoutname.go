package image

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/manifest/archive"
	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// splitLayout takes the name of an image in a layout apart: its form, the path,
// and tag and digest with what stands before them. As to skopeo, the path ends at
// the first colon; on Windows that of a drive (C:\) is part of it.
func splitLayout(text string, windows bool) (form, path, rest string) {
	for _, form = range []string{argument.LayoutPrefix, argument.ArchivePrefix} {
		path, ok := strings.CutPrefix(text, form)
		if !ok {
			continue
		}
		drive := 0
		if windows && len(path) > 2 && path[1] == ':' && (path[2] == '\\' || path[2] == '/') {
			drive = 2
		}
		end := len(path)
		if colon := strings.IndexByte(path[drive:], ':'); colon >= 0 {
			end = drive + colon
		}
		// The colon may be that of a digest.
		if at := strings.LastIndexByte(path[:end], '@'); at >= 0 && end < len(path) && digest.Algorithm(path[at+1:end]).Available() {
			end = at
		}
		return form, path[:end], path[end:]
	}
	return "", "", ""
}

// meant returns the tag or digest that rest stands for in a layout. Nothing is the
// only image there, else the tag latest. A name that is no tag, as podman gives it,
// is one by digest.
func meant(a attached, rest string) (string, error) {
	index, err := a.Index()
	if err != nil {
		return rest, nil //nolint:nilerr // who reads the layout next says it
	}
	var tags []string
	for _, m := range index.Manifests {
		name := m.Annotations[ocispec.AnnotationRefName]
		tags = append(tags, progress.CleanLine(name))
		if rest != ":"+name && (rest != "" || len(index.Manifests) > 1) {
			continue
		}
		if tagged, err := reference.WithTag(a.repository, name); err == nil {
			return ":" + tagged.Tag(), nil
		}
		return "@" + m.Digest.String(), nil
	}
	if rest == "" && len(tags) > 1 && !slices.Contains(tags, "latest") {
		return "", argument.Wrong(fmt.Errorf("%d images are there, choose one by its tag: %s", len(tags), argument.Shorten(tags)))
	}
	return rest, nil
}

// title gives what was written to a layout the whole name by which docker loads it:
// that of the repository it comes from, with the tag it has now. Where that is not
// known, it is called by the tag alone.
func (l *layouts) title(target reference.NamedTagged, source reference.Named) error {
	a, written := l.listed(target)
	if a == nil {
		return nil
	}
	if from, known := l.listed(source); from != nil {
		var err error
		if source, err = reference.ParseNormalizedNamed(known.Annotations[archive.AnnotationName]); err != nil {
			return nil //nolint:nilerr // other programs give no name, or another one
		}
	}
	whole, err := reference.WithTag(reference.TrimNamed(source), target.Tag())
	if err != nil {
		return err
	}
	written.Annotations[archive.AnnotationName] = whole.String()
	return a.Name(written)
}

// listed returns the layout that an image is in, and how that lists it; nil for an
// image in a registry.
func (l *layouts) listed(image reference.Named) (*layout.Dir, ocispec.Descriptor) {
	for _, a := range l.open {
		if a.repository.Name() != image.Name() {
			continue
		}
		index, _ := a.Index() // it was read before
		for _, m := range index.Manifests {
			tagged, isTagged := image.(reference.Tagged)
			digested, isDigested := image.(reference.Digested)
			if isTagged && m.Annotations[ocispec.AnnotationRefName] == tagged.Tag() || isDigested && m.Digest == digested.Digest() {
				return a.Dir, m
			}
		}
		return a.Dir, ocispec.Descriptor{}
	}
	return nil, ocispec.Descriptor{}
}
