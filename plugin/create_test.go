package plugin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	refname "github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

// shelf is a registry in memory with images to make others of.
type shelf struct {
	host string

	mu   sync.Mutex
	hook func(http.ResponseWriter, *http.Request) bool
	puts []string // paths of manifests
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	s := &shelf{}
	s.host = plugintest.Registry(t, func(w http.ResponseWriter, r *http.Request) bool {
		s.mu.Lock()
		hook := s.hook
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			s.puts = append(s.puts, strings.TrimPrefix(r.URL.Path, "/v2/"))
		}
		s.mu.Unlock()
		return hook != nil && hook(w, r)
	})
	return s
}

// on makes hook answer first from now on.
func (s *shelf) on(hook func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook, s.puts = hook, nil
}

func (s *shelf) tag(t *testing.T, ref string) refname.Tag {
	t.Helper()
	tag, err := refname.NewTag(s.host+"/"+ref, refname.Insecure)
	assert.NilError(t, err)
	return tag
}

// image stores an image for a platform; of another content, if one is given.
func (s *shelf) image(t *testing.T, ref, platform string, change ...func(*v1.ConfigFile)) (v1.Image, digest.Digest) {
	t.Helper()
	image := plugintest.Image(t, platform, 1)
	file, err := image.ConfigFile()
	assert.NilError(t, err)
	file = file.DeepCopy()
	for _, f := range change {
		f(file)
	}
	image, err = mutate.ConfigFile(image, file)
	assert.NilError(t, err)
	return image, s.store(t, ref, image)
}

func (s *shelf) store(t *testing.T, ref string, image v1.Image) digest.Digest {
	t.Helper()
	assert.NilError(t, remote.Write(s.tag(t, ref), image))
	h, err := image.Digest()
	assert.NilError(t, err)
	return digest.Digest(h.String())
}

// attested stores an image as an engine with the containerd image store pushes it:
// an index of it and an attestation manifest.
func (s *shelf) attested(t *testing.T, ref, platform string) (image, attestation, index digest.Digest) {
	t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(plugintest.Image(t, platform, 1), types.OCIManifestSchema1), types.OCIConfigJSON)
	image = s.store(t, ref, img)
	att, err := mutate.Append(mutate.MediaType(plugintest.Image(t, "unknown/unknown", 0), types.OCIManifestSchema1),
		mutate.Addendum{Layer: static.NewLayer([]byte("{}"), "application/vnd.in-toto+json"), Annotations: map[string]string{"in-toto.io/predicate-type": "https://spdx.dev/Document"}},
		mutate.Addendum{Layer: static.NewLayer([]byte("{ }"), "application/vnd.in-toto+json"), Annotations: map[string]string{"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}},
		mutate.Addendum{Layer: static.NewLayer([]byte("{  }"), "application/vnd.in-toto+json"), Annotations: map[string]string{"in-toto.io/predicate-type": "https://example.com/x"}})
	assert.NilError(t, err)
	attestation = s.store(t, ref+"-att", att)
	unknown := &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	entry := s.entry(t, ref+"-att", unknown)
	entry.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image.String()}
	return image, attestation, s.index(t, ref, nil, s.entry(t, ref, nil), entry)
}

// entry describes what is under a tag.
func (s *shelf) entry(t *testing.T, ref string, platform *ocispec.Platform) ocispec.Descriptor {
	t.Helper()
	raw := s.get(t, ref)
	var body struct {
		MediaType string          `json:"mediaType"`
		Config    json.RawMessage `json:"config"`
	}
	assert.NilError(t, json.Unmarshal(raw, &body))
	if platform == nil && body.Config != nil {
		image, err := remote.Image(s.tag(t, ref))
		assert.NilError(t, err)
		file, err := image.ConfigFile()
		assert.NilError(t, err)
		platform = &ocispec.Platform{OS: file.OS, Architecture: file.Architecture, Variant: file.Variant, OSVersion: file.OSVersion, OSFeatures: file.OSFeatures}
	}
	return ocispec.Descriptor{MediaType: body.MediaType, Digest: digest.FromBytes(raw), Size: int64(len(raw)), Platform: platform}
}

// index puts an index of entries under a tag.
func (s *shelf) index(t *testing.T, ref string, annotations map[string]string, entries ...ocispec.Descriptor) digest.Digest {
	t.Helper()
	raw, err := json.Marshal(ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: entries, Annotations: annotations})
	assert.NilError(t, err)
	s.put(t, ref, ocispec.MediaTypeImageIndex, raw)
	return digest.FromBytes(raw)
}

func (s *shelf) put(t *testing.T, ref, mediaType string, raw []byte) {
	t.Helper()
	repo, tag, _ := strings.Cut(ref, ":")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+s.host+"/v2/"+repo+"/manifests/"+tag, bytes.NewReader(raw))
	assert.NilError(t, err)
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	assert.NilError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, resp.StatusCode, http.StatusCreated)
}

// get reads the manifest under a tag; nil if there is none.
func (s *shelf) get(t *testing.T, ref string) []byte {
	t.Helper()
	repo, tag, _ := strings.Cut(ref, ":")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.host+"/v2/"+repo+"/manifests/"+tag, nil)
	assert.NilError(t, err)
	resp, err := http.DefaultClient.Do(req)
	assert.NilError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	assert.NilError(t, err)
	if resp.StatusCode != http.StatusOK {
		return nil
	}
	return raw
}

// listed is the index under a tag.
func (s *shelf) listed(t *testing.T, ref string) ocispec.Index {
	t.Helper()
	var index ocispec.Index
	assert.NilError(t, json.Unmarshal(s.get(t, ref), &index))
	return index
}

// lines are the entries of an index: platform and digest.
func lines(index ocispec.Index) map[string]digest.Digest {
	all := map[string]digest.Digest{}
	for _, m := range index.Manifests {
		p := m.Platform
		key := strings.Join([]string{p.OS, p.OSVersion, strings.Join(p.OSFeatures, "+"), p.Architecture, p.Variant}, "|")
		all[key] = m.Digest
	}
	return all
}

func TestCreate(t *testing.T) {
	s := newShelf(t)
	_, amd64 := s.image(t, "app:a", "linux/amd64")
	_, arm64 := s.image(t, "app:b", "linux/arm64")
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "create", "-t", s.host+"/app:latest", "-t", s.host+"/app:1", s.host+"/app:b", s.host+"/app@"+amd64.String(), amd64.String()), d.Err.String())
	index := s.listed(t, "app:1")
	dgst := digest.FromBytes(s.get(t, "app:1"))
	assert.Equal(t, d.Out.String(), s.host+"/app:latest@"+dgst.String()+"\n"+s.host+"/app:1@"+dgst.String()+"\n")
	assert.Equal(t, d.Err.String(), "", "nothing was copied")
	assert.DeepEqual(t, lines(index), map[string]digest.Digest{"linux|||amd64|": amd64, "linux|||arm64|": arm64})
	assert.Equal(t, s.puts[len(s.puts)-1], "app/manifests/latest", "latest last")
	assert.Equal(t, index.MediaType, "application/vnd.docker.distribution.manifest.list.v2+json")
}

// os.version and os.features are what docker manifest and imagetools lose.
func TestCreateOfWindowsVersions(t *testing.T) {
	s := newShelf(t)
	_, older := s.image(t, "app:2019", "windows/amd64", func(c *v1.ConfigFile) { c.OSVersion = "10.0.17763.1" })
	_, newer := s.image(t, "app:2022", "windows/amd64", func(c *v1.ConfigFile) { c.OSVersion, c.OSFeatures = "10.0.20348.9", []string{"win32k"} })
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "create", "-t", s.host+"/app:1", s.host+"/app:2019", s.host+"/app:2022"))
	index := s.listed(t, "app:1")
	assert.DeepEqual(t, lines(index), map[string]digest.Digest{"windows|10.0.17763.1||amd64|": older, "windows|10.0.20348.9|win32k|amd64|": newer})
	assert.Equal(t, index.Manifests[0].Digest, newer, "newest first")
}

func TestCreateFlattensIndexesWithTheirAttestations(t *testing.T) {
	s := newShelf(t)
	amd64, attestation, _ := s.attested(t, "app:a", "linux/amd64")
	_, arm64 := s.image(t, "app:b", "linux/arm64")
	nested := s.index(t, "app:nested", nil, s.entry(t, "app:a", nil), s.entry(t, "app:b", nil))
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "create", "-t", s.host+"/app:1", s.host+"/app:nested"))
	index := s.listed(t, "app:1")
	assert.DeepEqual(t, lines(index), map[string]digest.Digest{"linux|||amd64|": amd64, "linux|||arm64|": arm64, "unknown|||unknown|": attestation})
	assert.Assert(t, nested != digest.FromBytes(s.get(t, "app:1")))

	assert.NilError(t, d.run(t, "create", "--attestations", "drop", "-t", s.host+"/app:2", s.host+"/app:nested"))
	assert.Equal(t, len(s.listed(t, "app:2").Manifests), 2)
}

func TestCreateFromOtherRepositoriesAndRegistries(t *testing.T) {
	here, there := newShelf(t), newShelf(t)
	amd64, attestation, _ := there.attested(t, "far/app:a", "linux/amd64")
	_, arm64 := here.image(t, "near:b", "linux/arm64")
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "create", "-t", here.host+"/app:1", "-t", here.host+"/app:2", there.host+"/far/app:a", here.host+"/near:b"), d.Err.String())
	assert.DeepEqual(t, lines(here.listed(t, "app:1")), map[string]digest.Digest{"linux|||amd64|": amd64, "linux|||arm64|": arm64, "unknown|||unknown|": attestation})
	plugintest.Contains(t, d.Err.String(), "Copying from "+there.host+"/far/app to "+here.host+"/app\n", "blobs copied")
	assert.Assert(t, !strings.Contains(d.Err.String(), "cannot"))
	assert.Equal(t, strings.Count(d.Err.String(), "Copying"), 2, "each repository once")
}

// Of one index as it is, docker's users expect the same digest under another name.
func TestCreateOfOneIndexKeepsItsDigest(t *testing.T) {
	s, other := newShelf(t), newShelf(t)
	_, _, _ = s.attested(t, "app:a", "linux/amd64")
	index := digest.FromBytes(s.get(t, "app:a"))
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "create", "-t", s.host+"/app:1", "-t", other.host+"/mirror:1", s.host+"/app:a"))
	assert.Equal(t, digest.FromBytes(s.get(t, "app:1")), index)
	assert.Equal(t, digest.FromBytes(other.get(t, "mirror:1")), index)
	plugintest.Contains(t, d.Out.String(), other.host+"/mirror:1@"+index.String())
	assert.NilError(t, d.run(t, "create", "--dry-run", s.host+"/app:a"))
	assert.Equal(t, d.Out.String(), string(s.get(t, "app:a"))+"\n")

	// An index that lies is not kept.
	s.image(t, "app:b", "linux/arm64")
	entry := s.entry(t, "app:b", &ocispec.Platform{OS: "linux", Architecture: "s390x"})
	s.index(t, "app:lie", nil, entry)
	assert.NilError(t, d.run(t, "create", "-t", s.host+"/app:2", s.host+"/app:lie"))
	assert.Equal(t, s.listed(t, "app:2").Manifests[0].Platform.Architecture, "arm64")
	plugintest.Contains(t, d.Err.String(), "lists "+entry.Digest.String()+" as linux/s390x, but the image is for linux/arm64")
}

func TestCreateAppend(t *testing.T) {
	s := newShelf(t)
	_, amd64 := s.image(t, "app:a", "linux/amd64")
	_, arm64 := s.image(t, "app:b", "linux/arm64")
	_, fresh := s.image(t, "app:c", "linux/arm64", func(c *v1.ConfigFile) { c.Author = "x" })
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "create", "--append", "-t", s.host+"/app:1", "--annotation", "index:a=1", s.host+"/app:a"))
	plugintest.Contains(t, d.Err.String(), s.host+"/app:1 is new\n")
	assert.NilError(t, d.run(t, "create", "--append", "-t", s.host+"/app:1", s.host+"/app:b"))
	plugintest.Contains(t, d.Err.String(), "Kept: linux/amd64 "+amd64.String()+", of unknown age\n")
	assert.NilError(t, d.run(t, "create", "--append", "-t", s.host+"/app:1", "--annotation", "b=2", s.host+"/app:c"))
	assert.Assert(t, !strings.Contains(d.Err.String(), arm64.String()))
	index := s.listed(t, "app:1")
	assert.DeepEqual(t, lines(index), map[string]digest.Digest{"linux|||amd64|": amd64, "linux|||arm64|": fresh})
	assert.DeepEqual(t, index.Annotations, map[string]string{"a": "1", "b": "2"})
}

// Another run that publishes between reading and writing must not be undone.
func TestCreateAppendStartsAnewWhenOvertaken(t *testing.T) {
	s := newShelf(t)
	_, amd64 := s.image(t, "app:a", "linux/amd64")
	_, arm64 := s.image(t, "app:b", "linux/arm64")
	_, s390x := s.image(t, "app:c", "linux/s390x")
	first := s.index(t, "app:1", nil, s.entry(t, "app:a", nil))
	second := s.entry(t, "app:c", nil)
	reads := 0
	s.on(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/app/manifests/1") {
			if reads++; reads == 2 { // just before the PUT
				raw, err := json.Marshal(ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{s.entry(t, "app:a", nil), second}})
				assert.Check(t, err == nil)
				s.put(t, "app:1", ocispec.MediaTypeImageIndex, raw)
			}
		}
		return false
	})
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "create", "--append", "-t", s.host+"/app:1", s.host+"/app:b"))
	plugintest.Contains(t, d.Err.String(), "was changed by someone else, adding to what it has now")
	assert.DeepEqual(t, lines(s.listed(t, "app:1")), map[string]digest.Digest{"linux|||amd64|": amd64, "linux|||arm64|": arm64, "linux|||s390x|": s390x})
	assert.Assert(t, first != digest.FromBytes(s.get(t, "app:1")))
}

func TestCreateGivesUpWhenOvertakenEachTime(t *testing.T) {
	s := newShelf(t)
	s.image(t, "app:a", "linux/amd64")
	s.image(t, "app:b", "linux/arm64")
	s.index(t, "app:1", nil, s.entry(t, "app:a", nil))
	n := 0
	entry := s.entry(t, "app:a", nil)
	s.on(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/app/manifests/1") {
			n++
			raw, err := json.Marshal(ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{entry}, Annotations: map[string]string{"n": strings.Repeat("x", n)}})
			assert.Check(t, err == nil)
			s.put(t, "app:1", ocispec.MediaTypeImageIndex, raw)
		}
		return false
	})
	d := newDocker(t, "nobody", nil)
	err := d.run(t, "create", "--append", "-t", s.host+"/app:1", s.host+"/app:b")
	assert.Equal(t, exitCode(err), exitChanged, "%v", err)
	s.on(nil)
	assert.Equal(t, len(s.listed(t, "app:1").Manifests), 1, "the other's is there")
}

func TestCreateFilterFormatAndAnnotations(t *testing.T) {
	s := newShelf(t)
	_, _, _ = s.attested(t, "app:a", "linux/amd64")
	s.image(t, "app:b", "linux/arm64")
	s.image(t, "app:c", "linux/arm/v6")
	all := []string{s.host + "/app:a", s.host + "/app:b", s.host + "/app:c"}
	d := newDocker(t, "nobody", nil)
	create := func(args ...string) ocispec.Index {
		t.Helper()
		assert.NilError(t, d.run(t, append(append([]string{"create", "--dry-run"}, args...), all...)...))
		var index ocispec.Index
		assert.NilError(t, json.Unmarshal(d.Out.Bytes(), &index))
		return index
	}
	assert.Equal(t, len(create().Manifests), 4)
	assert.Equal(t, len(create("--platform", "linux/arm64,linux/arm/v6").Manifests), 2)
	assert.Equal(t, create("--platform", "linux/arm64", "--index-format", "docker").MediaType, "application/vnd.docker.distribution.manifest.list.v2+json")
	assert.Equal(t, create("--platform", "linux/arm64", "--index-format", "oci").MediaType, ocispec.MediaTypeImageIndex)
	index := create("--annotation", "index:a=1", "--annotation", "b.c/d:e=2=3", "--annotation", "manifest-descriptor[linux/arm64]:f=4", "--annotation", "manifest-descriptor:g=5")
	assert.DeepEqual(t, index.Annotations, map[string]string{"a": "1", "b.c/d:e": "2=3"})
	for _, m := range index.Manifests {
		switch {
		case m.Platform.Architecture == "arm64":
			assert.DeepEqual(t, m.Annotations, map[string]string{"f": "4", "g": "5"})
		case m.Platform.OS == "linux":
			assert.DeepEqual(t, m.Annotations, map[string]string{"g": "5"})
		}
	}
	assert.Assert(t, s.get(t, "app:1") == nil, "nothing was published")
}

func TestErrorsOfCreate(t *testing.T) {
	s := newShelf(t)
	s.image(t, "app:a", "linux/amd64")
	_, other := s.image(t, "app:b", "linux/amd64", func(c *v1.ConfigFile) { c.Author = "x" })
	s.attested(t, "app:oci", "linux/arm64")
	a, target := s.host+"/app:a", s.host+"/app:1"
	d := newDocker(t, "nobody", nil)
	for _, c := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"nothing", nil, exitUsage, []string{"name a SOURCE"}},
		{"no source", []string{"-t", target}, exitUsage, []string{"name a SOURCE"}},
		{"no target", []string{a}, exitUsage, []string{"--tag"}},
		{"nothing to append to", []string{"--append", "--dry-run", a}, exitUsage, []string{"--append", "--tag"}},
		{"a bad target", []string{"-t", "UPPER", a}, exitUsage, []string{"UPPER"}},
		{"a digest as target", []string{"-t", s.host + "/app@" + other.String(), a}, exitUsage, []string{"a digest can't be chosen"}},
		{"a bad source", []string{"-t", target, "a b"}, exitUsage, []string{`"a b"`}},
		{"a digest of no repository", []string{"--dry-run", other.String()}, exitUsage, []string{"NAME@" + other.String()}},
		{"a bad platform", []string{"-t", target, "--platform", "arm64", a}, exitUsage, []string{`"arm64"`}},
		{"a bad format", []string{"-t", target, "--index-format", "OCI", a}, exitUsage, []string{"auto, oci or docker"}},
		{"bad attestations", []string{"-t", target, "--attestations", "no", a}, exitUsage, []string{"keep or drop"}},
		{"an annotation of nothing", []string{"-t", target, "--annotation", "index:=x", a}, exitUsage, []string{"KEY=VALUE"}},
		{"an annotation without value", []string{"-t", target, "--annotation", "index:x", a}, exitUsage, []string{"KEY=VALUE"}},
		{"an annotation of manifests", []string{"-t", target, "--annotation", "manifest:x=y", a}, exitUsage, []string{"index or manifest-descriptor"}},
		{"an index with platform", []string{"-t", target, "--annotation", "index[linux/amd64]:x=y", a}, exitUsage, []string{"no platform"}},
		{"an annotation of a bad platform", []string{"-t", target, "--annotation", "manifest-descriptor[arm64]:x=y", a}, exitUsage, []string{`"arm64"`}},
		{"an annotation of no platform", []string{"-t", target, "--annotation", "manifest-descriptor[]:x=y", a}, exitUsage, []string{"invalid platform"}},
		{"an annotation of another platform", []string{"-t", target, "--annotation", "manifest-descriptor[linux/s390x]:x=y", a}, exitUsage, []string{"linux/s390x"}},
		{"a platform that is not there", []string{"-t", target, "--platform", "linux/amd64,linux/s390x", a}, exitUnverified, []string{"lacks linux/s390x; it has linux/amd64"}},
		{"one platform twice", []string{"-t", target, a, s.host + "/app:b"}, exitUsage, []string{"linux/amd64 twice", "/app:a", "/app:b", other.String()}},
		{"Docker's format for OCI images", []string{"-t", target, "--index-format", "docker", s.host + "/app:oci"}, exitUnverified, []string{"neither OCI manifests nor annotations"}},
		{"Docker's format with annotations", []string{"-t", target, "--index-format", "docker", "--annotation", "x=y", a}, exitUnverified, []string{"neither OCI manifests nor annotations"}},
		{"a missing source", []string{"-t", target, a, s.host + "/app:gone"}, exitUnavailable, []string{"/app:gone: not found"}},
		{"a missing file", []string{"-t", target, "--from", "/nowhere"}, exitUsage, []string{"/nowhere"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := d.run(t, append([]string{"create"}, c.args...)...)
			assert.Assert(t, err != nil)
			assert.Equal(t, exitCode(err), c.code, "%v", err)
			plugintest.Contains(t, err.Error(), c.want...)
			assert.Equal(t, d.Out.String(), "")
			assert.Assert(t, s.get(t, "app:1") == nil, "published")
		})
	}
}

func TestCreateOfSomeOfSeveralTargets(t *testing.T) {
	s := newShelf(t)
	s.image(t, "app:a", "linux/amd64")
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/2") {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	})
	d := newDocker(t, "nobody", nil)
	err := d.run(t, "create", "-t", s.host+"/app:latest", "-t", s.host+"/app:1", "-t", s.host+"/app:2", s.host+"/app:a")
	assert.Equal(t, exitCode(err), exitPartial, "%v", err)
	plugintest.Contains(t, err.Error(), "published "+s.host+"/app:1; failed: "+s.host+"/app:2", "not tried: "+s.host+"/app:latest")
	assert.Equal(t, d.Out.String(), "")
	assert.Assert(t, s.get(t, "app:latest") == nil)

	err = d.run(t, "create", "-t", s.host+"/app:2", s.host+"/app:a")
	assert.Equal(t, exitCode(err), exitUnavailable, "%v", err)
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	assert.NilError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestCopy(t *testing.T) {
	s, other := newShelf(t), newShelf(t)
	_, _, index := s.attested(t, "app:1", "linux/amd64")
	_, image := s.image(t, "app:single", "linux/arm64")
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "copy", s.host+"/app:1", other.host+"/mirror"))
	assert.Equal(t, d.Out.String(), other.host+"/mirror:1@"+index.String()+"\n", "the tag of the source, not latest")
	plugintest.Contains(t, d.Err.String(), other.host+"/mirror: ", "blobs copied")
	assert.Equal(t, digest.FromBytes(other.get(t, "mirror:1")), index)
	assert.NilError(t, d.run(t, "copy", s.host+"/app@"+image.String(), s.host+"/app:2"))
	assert.Equal(t, digest.FromBytes(s.get(t, "app:2")), image)
	assert.Equal(t, d.Err.String(), "")

	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{s.host + "/app:1"}, exitUsage, "requires 2 arguments"},
		{[]string{"UPPER", s.host + "/app:9"}, exitUsage, "UPPER"},
		{[]string{s.host + "/app:1", "UPPER"}, exitUsage, "UPPER"},
		{[]string{s.host + "/app:1", s.host + "/app:9@" + image.String()}, exitUsage, "a digest can't be chosen"},
		{[]string{s.host + "/app@" + image.String(), s.host + "/app"}, exitUsage, "needs a tag"},
		{[]string{s.host + "/app:gone", s.host + "/app:9"}, exitUnavailable, "not found"},
	} {
		err := d.run(t, append([]string{"copy"}, c.args...)...)
		assert.Equal(t, exitCode(err), c.code, "%v", err)
		plugintest.Contains(t, err.Error(), c.want)
		assert.Assert(t, s.get(t, "app:9") == nil)
	}
}
