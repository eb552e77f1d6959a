package manifest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

func platformsOf(images []Child) []string {
	var all []string
	for _, c := range images {
		all = append(all, format(c.Descriptor.Platform))
	}
	return all
}

func TestInspectIndex(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	amd64 := s.push(t, "app:a", oci(image(t, "linux/amd64", nil)))
	windows := s.push(t, "app:w", oci(image(t, "windows/amd64", func(c *v1.ConfigFile) { c.OSVersion = "10.0.20348.1" })))
	att := s.push(t, "app:t", attestation(t))
	lost := attestationEntry(s.entry(t, "app", att, nil), digest.FromString("gone"))
	lies := &ocispec.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
	dgst := s.engineIndex(t, "app/manifests/1", s.entry(t, "app", amd64, lies), s.entry(t, "app", windows, nil),
		attestationEntry(s.entry(t, "app", att, nil), amd64), lost)
	r, _ := client(t, nil)
	ref := s.ref(t, "app:1")
	s.on(nil)
	in, err := r.Inspect(t.Context(), ref)
	assert.NilError(t, err)
	assert.Equal(t, in.Reference, ref.String())
	assert.Equal(t, in.Descriptor.Digest, dgst)
	assert.Equal(t, digest.FromBytes(in.Raw), dgst)
	assert.DeepEqual(t, platformsOf(in.Images), []string{"linux/amd64", "windows(10.0.20348.1)/amd64"})
	assert.Equal(t, format(in.Images[0].Listed), "linux/arm64")
	assert.Assert(t, in.Images[1].Listed == nil)
	assert.Equal(t, in.Images[0].Attestations[0].Digest, att)
	assert.Equal(t, len(in.Images[1].Attestations), 0)
	assert.DeepEqual(t, in.Other, []ocispec.Descriptor{lost})
	assert.Equal(t, s.count("GET", "/blobs/"), 2, "configs only")

	desc, platforms, err := r.Resolve(t.Context(), ref)
	assert.NilError(t, err)
	assert.Equal(t, desc.Digest, dgst)
	assert.DeepEqual(t, platforms, []ocispec.Platform{{OS: "linux", Architecture: "arm64"}, {OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348.1"}})
}

func TestInspectImage(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dgst := s.push(t, "app:latest", image(t, "linux/arm/v7", nil))
	r, _ := client(t, nil)
	named := reference.TrimNamed(s.ref(t, "app:1"))
	in, err := r.Inspect(t.Context(), named)
	assert.NilError(t, err)
	assert.Equal(t, in.Reference, s.host()+"/app:latest")
	assert.DeepEqual(t, platformsOf(in.Images), []string{"linux/arm/v7"})

	desc, platforms, err := r.Resolve(t.Context(), named)
	assert.NilError(t, err)
	assert.Equal(t, desc.Digest, dgst)
	assert.DeepEqual(t, platforms, []ocispec.Platform{{OS: "linux", Architecture: "arm", Variant: "v7"}})

	// Of tag and digest, the digest counts.
	both, err := reference.WithDigest(s.ref(t, "app:other"), dgst)
	assert.NilError(t, err)
	_, _, err = r.Resolve(t.Context(), both)
	assert.NilError(t, err)
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.push(t, "app:1", image(t, "linux/amd64", nil))
	r, c := client(t, nil)
	for _, ref := range []string{"app:2", "other:1"} {
		_, _, err := r.Resolve(t.Context(), s.ref(t, ref))
		assert.ErrorIs(t, err, ErrNotFound)
		assert.Error(t, err, "reading "+s.host()+"/"+ref+": not found")
		_, err = r.Inspect(t.Context(), s.ref(t, ref))
		assert.ErrorIs(t, err, ErrNotFound)
	}
	assert.Equal(t, len(c.waits), 0)
}

func TestInspectNamesTheChildThatIsGone(t *testing.T) {
	t.Parallel()
	p := ready(t)
	assert.NilError(t, p.publish(t))
	p.on(func(w http.ResponseWriter, req *http.Request) bool {
		return strings.HasSuffix(req.URL.Path, p.images[1].String()) && fail(w, http.StatusNotFound, "", "")
	})
	_, err := p.r.Inspect(t.Context(), p.ref(t, "app:1"))
	assert.ErrorIs(t, err, ErrNotFound)
	assert.ErrorContains(t, err, p.images[1].String())
}
