package image

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.yaml.in/yaml/v3"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// imageSpec is the file of manifest-tool push from-spec.
type imageSpec struct {
	Image       string            `yaml:"image"`
	Tags        []string          `yaml:"tags"`
	Annotations map[string]string `yaml:"annotations"`
	Manifests   []struct {
		Image    string       `yaml:"image"`
		Platform specPlatform `yaml:"platform"`
	} `yaml:"manifests"`
}

// specPlatform says which image of a source is meant. It does not make an image
// anything: what it contradicts is an error.
type specPlatform struct {
	OS           string   `yaml:"os"`
	Architecture string   `yaml:"architecture"`
	Variant      string   `yaml:"variant"`
	OSVersion    string   `yaml:"os.version"`
	OSFeatures   []string `yaml:"os.features"`
	// The names by which manifest-tool itself reads them.
	OtherVersion  string   `yaml:"osversion"`
	OtherFeatures []string `yaml:"osfeatures"`
	Features      []string `yaml:"features"` // of the processor; never was in use
}

// parseSpec reads the YAML of manifest-tool. A key it does not know is an error:
// what is misspelled must not be without effect.
func parseSpec(raw []byte) (fromFile, error) {
	var spec imageSpec
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&spec); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
		return fromFile{}, err
	}
	if err := decoder.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return fromFile{}, errors.New("more than one document")
	}
	var file fromFile
	var err error
	if file.targets, err = spec.targets(); err != nil {
		return fromFile{}, err
	}
	for key, value := range spec.Annotations {
		file.annotations = append(file.annotations, indexAnnotation{key: key, value: value})
	}
	slices.SortFunc(file.annotations, func(a, b indexAnnotation) int { return cmp.Compare(a.key, b.key) })
	for i, m := range spec.Manifests {
		source, err := m.Platform.source(m.Image)
		if err != nil {
			return fromFile{}, fmt.Errorf("manifest %d: %w", i+1, err)
		}
		file.sources = append(file.sources, source)
	}
	if len(file.sources) == 0 {
		return fromFile{}, errors.New("no manifests")
	}
	return file, nil
}

// targets are the image and its further tags.
func (s imageSpec) targets() ([]reference.NamedTagged, error) {
	if s.Image == "" {
		return nil, errors.New("no image")
	}
	all, err := argument.Targets([]string{s.Image})
	if err != nil {
		return nil, err
	}
	for _, tag := range s.Tags {
		target, err := reference.WithTag(reference.TrimNamed(all[0]), tag)
		if err != nil {
			return nil, fmt.Errorf("invalid tag %q: %w", tag, err)
		}
		isSame := func(t reference.NamedTagged) bool { return t.String() == target.String() }
		if !slices.ContainsFunc(all, isSame) {
			all = append(all, target)
		}
	}
	return all, nil
}

func (p specPlatform) source(image string) (createSource, error) {
	ref, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return createSource{}, fmt.Errorf("invalid image %q: %w", image, err)
	}
	source := createSource{ref: reference.TagNameOnly(ref)}
	p.OSVersion = cmp.Or(p.OSVersion, p.OtherVersion)
	p.OSFeatures = append(p.OSFeatures, p.OtherFeatures...)
	switch {
	case p.OS != "" && p.Architecture != "":
		source.wanted = &p
	case p.String() != "":
		return createSource{}, fmt.Errorf("%s: the platform needs os and architecture", image)
	}
	return source, nil
}

// String returns the platform as docker writes it.
func (p specPlatform) String() string {
	if p.OS+p.Architecture+p.Variant+p.OSVersion == "" && len(p.OSFeatures) == 0 {
		return ""
	}
	return platforms.FormatAll(ocispec.Platform{
		OS: cmp.Or(p.OS, "unknown"), Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion, OSFeatures: p.OSFeatures,
	})
}

// matches tells whether an image is for the platform, as far as that is said.
func (p specPlatform) matches(image ocispec.Platform) bool {
	want := platforms.Normalize(ocispec.Platform{OS: p.OS, Architecture: p.Architecture, Variant: p.Variant})
	missing := func(feature string) bool { return !slices.Contains(image.OSFeatures, feature) }
	return want.OS == image.OS && want.Architecture == image.Architecture &&
		(p.Variant == "" || want.Variant == image.Variant) &&
		(p.OSVersion == "" || p.OSVersion == image.OSVersion) && !slices.ContainsFunc(p.OSFeatures, missing)
}
