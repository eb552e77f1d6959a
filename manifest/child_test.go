package manifest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

// attestation makes what BuildKit attaches to an image.
func attestation(t *testing.T) v1.Image {
	t.Helper()
	return oci(image(t, "unknown/unknown", nil))
}

// engineIndex stores an index as an engine with the containerd image store pushes it.
func (s *server) engineIndex(t *testing.T, path string, entries ...ocispec.Descriptor) digest.Digest {
	t.Helper()
	raw, err := json.Marshal(ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: entries})
	assert.NilError(t, err)
	return s.put(t, path, ocispec.MediaTypeImageIndex, raw)
}

// entry describes a manifest that is in the registry.
func (s *server) entry(t *testing.T, repo string, dgst digest.Digest, p *ocispec.Platform) ocispec.Descriptor {
	t.Helper()
	raw, status := s.get(t, repo+"/manifests/"+dgst.String())
	assert.Equal(t, status, http.StatusOK)
	var body struct {
		MediaType string `json:"mediaType"`
	}
	assert.NilError(t, json.Unmarshal([]byte(raw), &body))
	return ocispec.Descriptor{MediaType: body.MediaType, Digest: dgst, Size: int64(len(raw)), Platform: p}
}

func attestationEntry(d ocispec.Descriptor, subject digest.Digest) ocispec.Descriptor {
	d.Platform = &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	d.Annotations = map[string]string{annotationReferenceType: attestationManifest, annotationReferenceDigest: subject.String()}
	return d
}

func TestChild(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	img := image(t, "linux/arm64/v8", func(c *v1.ConfigFile) { c.OSVersion, c.OSFeatures = "1.2", []string{"b", "a", "a"} })
	dgst := s.push(t, "app:x", img)
	r, _ := client(t, nil)
	c, err := r.Child(t.Context(), s.ref(t, "app:x"), dgst)
	assert.NilError(t, err)

	config, _ := img.ConfigName()
	m, _ := img.Manifest()
	assert.DeepEqual(t, *c.Descriptor.Platform, ocispec.Platform{OS: "linux", Architecture: "arm64", OSVersion: "1.2", OSFeatures: []string{"a", "b"}})
	assert.Equal(t, c.Descriptor.Digest, dgst)
	assert.Equal(t, c.Descriptor.MediaType, mediatype.DockerManifest)
	assert.Equal(t, c.ConfigDigest.String(), config.String())
	assert.Equal(t, len(c.Layers), 2)
	assert.Equal(t, c.Size, m.Config.Size+m.Layers[0].Size+m.Layers[1].Size)
	assert.Assert(t, c.Listed == nil)
}

func TestChildFlattensTheIndexOfOneImage(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	img := s.push(t, "app:i", oci(image(t, "linux/amd64", nil)))
	att := s.push(t, "app:a", attestation(t))
	dgst := s.engineIndex(t, "app/manifests/x",
		s.entry(t, "app", img, &ocispec.Platform{OS: "linux", Architecture: "amd64"}), attestationEntry(s.entry(t, "app", att, nil), img))
	r, _ := client(t, nil)
	c, err := r.Child(t.Context(), s.ref(t, "app:x"), dgst)
	assert.NilError(t, err)
	assert.Equal(t, c.Descriptor.Digest, img)
	assert.Equal(t, c.Descriptor.Platform.Architecture, "amd64")
	assert.Equal(t, len(c.Attestations), 1)
	assert.Equal(t, c.Attestations[0].Digest, att)

	idx, err := NewIndex([]Child{c}, IndexOptions{})
	assert.NilError(t, err)
	assert.NilError(t, r.Publish(t.Context(), s.ref(t, "app:1"), idx))
}

func TestChildRefusesWhatIsNotOneImage(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	amd64 := s.entry(t, "app", s.push(t, "app:1", image(t, "linux/amd64", nil)), nil)
	arm64 := s.entry(t, "app", s.push(t, "app:2", image(t, "linux/arm64", nil)), nil)
	nested := s.entry(t, "app", s.engineIndex(t, "app/manifests/3", amd64), nil)
	wrongSize, wrongType := amd64, amd64
	wrongSize.Size++
	wrongType.MediaType = ocispec.MediaTypeImageManifest
	for _, c := range []struct {
		name    string
		entries []ocispec.Descriptor
		want    error
	}{
		{"two images", []ocispec.Descriptor{amd64, arm64}, ErrInvalid},
		{"an index in an index", []ocispec.Descriptor{nested}, ErrInvalid},
		{"an attestation of another image", []ocispec.Descriptor{amd64, attestationEntry(arm64, digest.FromString("x"))}, ErrInvalid},
		{"nothing", nil, ErrInvalid},
		{"other size", []ocispec.Descriptor{wrongSize}, ErrDigest},
		{"other media type", []ocispec.Descriptor{wrongType}, ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, _ := client(t, nil)
			_, err := r.Child(t.Context(), s.ref(t, "app:x"), s.engineIndex(t, "app/manifests/x", c.entries...))
			assert.ErrorIs(t, err, c.want)
		})
	}
}

func TestChildRefusesAnImageWithoutPlatform(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r, _ := client(t, nil)
	for name, img := range map[string]v1.Image{
		"unknown":     attestation(t),
		"no os":       image(t, "/amd64", nil),
		"no image":    mutate.ConfigMediaType(image(t, "linux/amd64", nil), "application/vnd.cncf.helm.config.v1+json"),
		"config list": mutate.ConfigMediaType(image(t, "linux/amd64", nil), mediatype.DockerList),
	} {
		_, err := r.Child(t.Context(), s.ref(t, "app:x"), s.push(t, "app:x", img))
		assert.ErrorIs(t, err, ErrInvalid, name)
	}
}

// A registry, or something in front of it, that sends other bytes than asked for and vouches for them in the header.
func TestDigestsAreRecomputed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	img := image(t, "linux/amd64", nil)
	dgst := s.push(t, "app:x", img)
	config, _ := img.ConfigName()
	for name, path := range map[string]string{"manifest": "/manifests/" + dgst.String(), "config": "/blobs/" + config.String()} {
		s.on(func(w http.ResponseWriter, req *http.Request) bool {
			if !strings.HasSuffix(req.URL.Path, path) {
				return false
			}
			raw, _ := s.get(t, strings.TrimPrefix(req.URL.Path, "/v2/"))
			w.Header().Set("Content-Type", mediatype.DockerManifest)
			w.Header().Set("Docker-Content-Digest", req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:])
			_, _ = w.Write(bytes.Replace([]byte(raw), []byte("sha256:"), []byte("sha256 "), 1))
			return true
		})
		r, _ := client(t, nil)
		_, err := r.Child(t.Context(), s.ref(t, "app:x"), dgst)
		assert.ErrorIs(t, err, ErrDigest, name)
	}
}

func TestChildThatIsNotSeenYet(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dgst := s.push(t, "app:x", image(t, "linux/amd64", nil))
	misses := 3
	late := func(w http.ResponseWriter, req *http.Request) bool {
		if strings.Contains(req.URL.Path, "/manifests/") && misses > 0 {
			misses--
			return fail(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
		}
		return false
	}
	r, c := client(t, nil)
	s.on(late)
	_, err := r.Child(t.Context(), s.ref(t, "app:x"), dgst)
	assert.ErrorIs(t, err, ErrNotFound)
	assert.Error(t, err, "reading "+s.host()+"/app@"+dgst.String()+": not found")
	assert.Equal(t, len(c.waits), 0, "a child that was not pushed just now is not waited for")

	s.on(late)
	_, err = r.AwaitChild(t.Context(), s.ref(t, "app:x"), dgst)
	assert.NilError(t, err)
	assert.Equal(t, len(c.waits), 2)
}

func TestChildChecksTheDigestBeforeItIsPartOfAURL(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r, _ := client(t, nil)
	s.on(nil)
	ref, err := reference.ParseNamed(s.host() + "/app")
	assert.NilError(t, err)
	_, err = r.Child(t.Context(), ref, "sha256:../../../x")
	assert.ErrorIs(t, err, ErrInvalid)
	assert.Equal(t, s.count("GET", ""), 0)
}
