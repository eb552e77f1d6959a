package manifest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
	"github.com/docker-multiarch/docker-multiarch/platform"
)

// childFor makes a child whose digest depends on its platform.
func childFor(mediaType, os, arch, variant, version string) Child {
	return Child{Descriptor: ocispec.Descriptor{
		MediaType: mediaType,
		Digest:    digest.FromString(os + arch + variant + version),
		Size:      500,
		Platform:  &ocispec.Platform{OS: os, Architecture: arch, Variant: variant, OSVersion: version},
	}}
}

func docker(os, arch, variant, version string) Child {
	return childFor(mediatype.DockerManifest, os, arch, variant, version)
}

func attested(c Child) Child {
	c.Descriptor.MediaType = ocispec.MediaTypeImageManifest
	c.Attestations = []ocispec.Descriptor{{
		MediaType:   ocispec.MediaTypeImageManifest,
		Digest:      digest.FromString("attestation" + c.Descriptor.Digest.String()),
		Size:        300,
		Platform:    &ocispec.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{annotationReferenceType: attestationManifest, annotationReferenceDigest: c.Descriptor.Digest.String()},
	}}
	return c
}

func allPlatforms() []Child {
	return []Child{
		docker("windows", "amd64", "", "10.0.9999.1"),
		docker("linux", "arm", "v7", ""),
		docker("linux", "amd64", "", ""),
		docker("windows", "amd64", "", "10.0.20348.2322"),
		docker("linux", "arm", "v6", ""),
		docker("linux", "386", "", ""),
		docker("windows", "amd64", "", "10.0.20348.999"),
		docker("linux", "arm64", "v8", ""),
	}
}

func TestNewIndexDockerList(t *testing.T) {
	t.Parallel()
	idx, err := NewIndex(allPlatforms(), IndexOptions{})
	assert.NilError(t, err)
	golden.Assert(t, string(idx.Raw)+"\n", "docker-list.golden")
	assert.Equal(t, idx.Descriptor.MediaType, mediatype.DockerList)
	assert.Equal(t, idx.Descriptor.Digest, digest.FromBytes(idx.Raw))
	assert.Equal(t, idx.Descriptor.Size, int64(len(idx.Raw)))
}

func TestNewIndexOCIWithAttestations(t *testing.T) {
	t.Parallel()
	idx, err := NewIndex([]Child{attested(docker("linux", "arm64", "", "")), docker("linux", "s390x", "", ""), attested(docker("linux", "amd64", "", ""))},
		IndexOptions{Annotations: map[string]string{"org.opencontainers.image.version": "1", "b": "2"}})
	assert.NilError(t, err)
	golden.Assert(t, string(idx.Raw)+"\n", "oci-index.golden")
}

func TestNewIndexOrderOfChildrenDoesNotMatter(t *testing.T) {
	t.Parallel()
	want, err := NewIndex(allPlatforms(), IndexOptions{})
	assert.NilError(t, err)
	for range 20 {
		children := allPlatforms()
		rand.Shuffle(len(children), func(i, j int) { children[i], children[j] = children[j], children[i] })
		got, err := NewIndex(children, IndexOptions{})
		assert.NilError(t, err)
		assert.Equal(t, got.Descriptor.Digest, want.Descriptor.Digest)
	}
}

func TestNewIndexLeavesChildrenAlone(t *testing.T) {
	t.Parallel()
	children := []Child{docker("linux", "arm64", "v8", "")}
	_, err := NewIndex(children, IndexOptions{})
	assert.NilError(t, err)
	assert.Equal(t, children[0].Descriptor.Platform.Variant, "v8")
}

func TestNewIndexMediaType(t *testing.T) {
	t.Parallel()
	dockerChild, ociChild := docker("linux", "amd64", "", ""), attested(docker("linux", "arm64", "", ""))
	ociChild.Attestations = nil
	annotations := map[string]string{"a": "b"}
	annotated := docker("linux", "s390x", "", "")
	annotated.Descriptor.Annotations = annotations
	for _, c := range []struct {
		name     string
		children []Child
		options  IndexOptions
		want     string // "" is an error
	}{
		{"docker", []Child{dockerChild}, IndexOptions{}, mediatype.DockerList},
		{"docker with annotations", []Child{dockerChild}, IndexOptions{Annotations: annotations}, ocispec.MediaTypeImageIndex},
		{"docker with an annotated entry", []Child{annotated}, IndexOptions{}, ocispec.MediaTypeImageIndex},
		{"mixed", []Child{dockerChild, ociChild}, IndexOptions{}, ocispec.MediaTypeImageIndex},
		{"oci", []Child{ociChild}, IndexOptions{}, ocispec.MediaTypeImageIndex},
		{"docker as oci", []Child{dockerChild}, IndexOptions{MediaType: ocispec.MediaTypeImageIndex}, ocispec.MediaTypeImageIndex},
		{"docker as list", []Child{dockerChild}, IndexOptions{MediaType: mediatype.DockerList}, mediatype.DockerList},
		{"oci as list", []Child{ociChild}, IndexOptions{MediaType: mediatype.DockerList}, ""},
		{"annotations in a list", []Child{dockerChild}, IndexOptions{MediaType: mediatype.DockerList, Annotations: annotations}, ""},
		{"not an index", []Child{dockerChild}, IndexOptions{MediaType: ocispec.MediaTypeImageManifest}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			idx, err := NewIndex(c.children, c.options)
			if c.want == "" {
				assert.ErrorIs(t, err, ErrInvalid)
				return
			}
			assert.NilError(t, err)
			assert.Equal(t, idx.Descriptor.MediaType, c.want)
		})
	}
}

func TestNewIndexRefuses(t *testing.T) {
	t.Parallel()
	noPlatform := docker("linux", "amd64", "", "")
	noPlatform.Descriptor.Platform = nil
	unknown := docker("unknown", "unknown", "", "")
	index := docker("linux", "amd64", "", "")
	index.Descriptor.MediaType = mediatype.DockerList
	badDigest := docker("linux", "amd64", "", "")
	badDigest.Descriptor.Digest = "sha256:../../etc"
	stranger := attested(docker("linux", "amd64", "", ""))
	stranger.Attestations[0].Annotations[annotationReferenceDigest] = digest.FromString("other").String()
	features := docker("linux", "amd64", "", "")
	features.Descriptor.Platform.OSFeatures = []string{"x"}
	for _, c := range []struct {
		name     string
		children []Child
		text     string
	}{
		{"nothing", nil, "no images"},
		{"no platform", []Child{noPlatform}, "no platform"},
		{"unknown platform", []Child{unknown}, "no platform"},
		{"an index", []Child{index}, "not an image manifest"},
		{"a digest that is a path", []Child{badDigest}, "digest"},
		{"an attestation of another image", []Child{stranger}, "is not an attestation manifest of"},
		{"same platform", []Child{docker("linux", "amd64", "", ""), docker("linux", "amd64", "", "")}, "linux/amd64 twice"},
		{"same platform, other spelling", []Child{docker("linux", "arm64", "", ""), docker("linux", "aarch64", "v8", "")}, "linux/arm64 twice"},
		{"same platform, other features", []Child{docker("linux", "amd64", "", ""), features}, "linux/amd64 twice"},
		{"same os.version", []Child{docker("windows", "amd64", "", "10.0.1"), docker("windows", "amd64", "", "10.0.1")}, "windows(10.0.1)/amd64 twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := NewIndex(c.children, IndexOptions{})
			assert.ErrorIs(t, err, ErrInvalid)
			assert.ErrorContains(t, err, c.text)
		})
	}
}

func TestNewIndexRefusesMoreThanRegistriesTake(t *testing.T) {
	t.Parallel()
	annotations := map[string]string{"a": strings.Repeat("x", maxManifest)}
	_, err := NewIndex([]Child{docker("linux", "amd64", "", "")}, IndexOptions{Annotations: annotations})
	assert.ErrorIs(t, err, ErrInvalid)
	assert.ErrorContains(t, err, fmt.Sprint(maxManifest))
}

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"10.0.20348.2322", "10.0.20348.999", 1},
		{"10.0.9", "10.0.10", -1},
		{"10.0", "10.0.1", -1},
		{"", "10.0.1", -1},
		{"10.0.1", "10.0.1", 0},
		{"10.0.01", "10.0.1", -1}, // never equal, so that the order doesn't depend on the input
		{"10.0.x", "10.0.y", -1},
	} {
		assert.Equal(t, platform.CompareVersions(c.a, c.b), c.want, "%s %s", c.a, c.b)
		assert.Equal(t, platform.CompareVersions(c.b, c.a), -c.want, "%s %s", c.b, c.a)
	}
}

func TestNormalizeDoesNotInventAnOperatingSystem(t *testing.T) {
	t.Parallel()
	assert.Equal(t, normalize(ocispec.Platform{Architecture: "aarch64"}).OS, "")
	assert.DeepEqual(t, normalize(ocispec.Platform{OS: "Linux", Architecture: "arm"}), ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v7"})
}
