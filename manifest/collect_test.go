package manifest

import (
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

func TestCollect(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	windows := s.push(t, "app:w", image(t, "windows/amd64", func(c *v1.ConfigFile) { c.OSVersion, c.OSFeatures = "10.0.20348.1", []string{"win32k"} }))
	amd64 := s.push(t, "app:a", oci(image(t, "linux/amd64", nil)))
	att := s.push(t, "app:t", attestation(t))
	attested := attestationEntry(s.entry(t, "app", att, nil), amd64)
	engine := s.engineIndex(t, "app/manifests/engine", s.entry(t, "app", amd64, nil), attested)
	lost := attestationEntry(s.entry(t, "app", att, nil), digest.FromString("gone"))
	chart := s.entry(t, "app", s.push(t, "app:c", mutate.ConfigMediaType(image(t, "linux/amd64", nil), "application/vnd.cncf.helm.config.v1+json")), nil)
	s.engineIndex(t, "app/manifests/all", s.entry(t, "app", windows, &ocispec.Platform{OS: "windows", Architecture: "amd64"}), s.entry(t, "app", engine, nil), lost, chart)
	r, _ := client(t, nil)

	c, err := r.Collect(t.Context(), s.ref(t, "app:all"))
	assert.NilError(t, err)
	assert.DeepEqual(t, platformsOf(c.Children), []string{"windows(10.0.20348.1+win32k)/amd64", "linux/amd64"})
	assert.Equal(t, c.Children[1].Attestations[0].Digest, att, "carried with the image it belongs to")
	assert.Equal(t, c.Repository.String(), s.host()+"/app")
	assert.Equal(t, len(c.Left), 2)

	// os.version and os.features come from the config, also of a single image.
	c, err = r.Collect(t.Context(), s.ref(t, "app:w"))
	assert.NilError(t, err)
	assert.DeepEqual(t, platformsOf(c.Children), []string{"windows(10.0.20348.1+win32k)/amd64"})
	assert.Equal(t, c.Descriptor.Digest, windows)
}

func TestCollectFindsNoImage(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.push(t, "app:chart", mutate.ConfigMediaType(image(t, "linux/amd64", nil), "application/vnd.cncf.helm.config.v1+json"))
	s.push(t, "app:nowhere", attestation(t))
	s.engineIndex(t, "app/manifests/empty")
	deep := s.engineIndex(t, "app/manifests/deep", s.entry(t, "app", s.push(t, "app:x", image(t, "linux/amd64", nil)), nil))
	for range maxDepth {
		deep = s.engineIndex(t, "app/manifests/deep", s.entry(t, "app", deep, nil))
	}
	r, _ := client(t, nil)
	for _, tag := range []string{"chart", "nowhere", "empty", "deep"} {
		_, err := r.Collect(t.Context(), s.ref(t, "app:"+tag))
		assert.ErrorIs(t, err, ErrInvalid, tag)
		assert.ErrorContains(t, err, "reading "+s.host()+"/app:"+tag)
	}
	_, err := r.Collect(t.Context(), s.ref(t, "app:missing"))
	assert.ErrorIs(t, err, ErrNotFound)
}

func named(platform ocispec.Platform, content string, attestations ...string) Child {
	c := Child{Descriptor: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(content), Size: 1, Platform: &platform}}
	for _, a := range attestations {
		c.Attestations = append(c.Attestations, ocispec.Descriptor{Digest: digest.FromString(a)})
	}
	return c
}

func windows(version string) ocispec.Platform {
	return ocispec.Platform{OS: "windows", Architecture: "amd64", OSVersion: version}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	amd64, arm64 := ocispec.Platform{OS: "linux", Architecture: "amd64"}, ocispec.Platform{OS: "linux", Architecture: "arm64"}
	first := []Child{named(amd64, "a", "sbom")}
	merged := Merge(first, []Child{named(arm64, "b")}, []Child{named(amd64, "a", "sbom", "provenance")})
	assert.Equal(t, len(merged), 2)
	assert.Equal(t, len(merged[0].Attestations), 2)
	assert.Equal(t, len(first[0].Attestations), 1, "sources stay as they are")
	assert.Equal(t, len(Merge()), 0)

	_, err := NewIndex(Merge(first, []Child{named(amd64, "other")}), IndexOptions{})
	assert.ErrorIs(t, err, ErrInvalid, "two images for one platform are no index")
}

func TestOverlay(t *testing.T) {
	t.Parallel()
	old := []Child{
		named(ocispec.Platform{OS: "linux", Architecture: "amd64"}, "amd64"),
		named(ocispec.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}, "arm64"),
		named(ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v6"}, "armv6"),
		named(windows("10.0.17763.1"), "2019"), named(windows("10.0.20348.2322"), "2022"), named(windows(""), "any"),
	}
	for _, c := range []struct {
		fresh ocispec.Platform
		gone  string
	}{
		{ocispec.Platform{OS: "linux", Architecture: "arm64"}, "arm64"},
		{ocispec.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}, ""},
		{ocispec.Platform{OS: "linux", Architecture: "s390x"}, ""},
		{windows("10.0.20348.2700"), "2022"},
		{windows("10.0.20348.1"), "2022"},
		{windows("10.0.26100.1"), ""},
		{windows(""), "any"},
	} {
		kept := Overlay(old, []Child{named(c.fresh, "fresh")})
		want := len(old) - 1
		if c.gone == "" {
			want = len(old)
		}
		assert.Equal(t, len(kept), want, "%v", c.fresh)
		for _, k := range kept {
			assert.Assert(t, c.gone == "" || k.Descriptor.Digest != digest.FromString(c.gone))
		}
	}
	assert.Equal(t, len(Overlay(nil, old)), 0)
}

func TestIndexMediaType(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"": "", "auto": "", "oci": ocispec.MediaTypeImageIndex, "docker": mediatype.DockerList} {
		got, err := IndexMediaType(format)
		assert.NilError(t, err)
		assert.Equal(t, got, want)
	}
	_, err := IndexMediaType("OCI")
	assert.ErrorContains(t, err, "auto, oci or docker")
}

func TestDetails(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	img := mutate.Annotations(oci(image(t, "linux/amd64", func(c *v1.ConfigFile) { c.Created = v1.Time{Time: created} })), map[string]string{"org.opencontainers.image.base.name": "alpine"}).(v1.Image)
	dgst := s.push(t, "app:1", img)
	r, _ := client(t, nil)
	in, err := r.Inspect(t.Context(), s.ref(t, "app:1"))
	assert.NilError(t, err)
	assert.Equal(t, in.Images[0].Annotations["org.opencontainers.image.base.name"], "alpine")
	assert.Assert(t, in.Images[0].Created.Equal(created))

	want, err := img.RawConfigFile()
	assert.NilError(t, err)
	config, err := r.Config(t.Context(), s.ref(t, "app:1"), dgst)
	assert.NilError(t, err)
	assert.Equal(t, string(config), string(want))
	_, err = r.Config(t.Context(), s.ref(t, "app:1"), s.engineIndex(t, "app/manifests/2"))
	assert.ErrorIs(t, err, ErrInvalid)
	_, err = r.Config(t.Context(), s.ref(t, "app:1"), digest.FromString("gone"))
	assert.ErrorIs(t, err, ErrNotFound)
}

func TestPredicates(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	att := attestation(t)
	layers, err := att.Layers()
	assert.NilError(t, err)
	for _, predicate := range []string{"https://spdx.dev/Document", "https://slsa.dev/provenance/v1"} {
		att, err = mutate.Append(att, mutate.Addendum{Layer: layers[0], Annotations: map[string]string{annotationPredicate: predicate}})
		assert.NilError(t, err)
	}
	desc := s.entry(t, "app", s.push(t, "app:att", att), nil)
	r, _ := client(t, nil)
	got, err := r.Predicates(t.Context(), s.ref(t, "app:1"), desc)
	assert.NilError(t, err)
	assert.DeepEqual(t, got, []string{"https://spdx.dev/Document", "https://slsa.dev/provenance/v1"})
	desc.Size++
	_, err = r.Predicates(t.Context(), s.ref(t, "app:1"), desc)
	assert.ErrorIs(t, err, ErrDigest)
	desc.Digest = digest.FromString("gone")
	_, err = r.Predicates(t.Context(), s.ref(t, "app:1"), desc)
	assert.ErrorIs(t, err, ErrNotFound)
}
