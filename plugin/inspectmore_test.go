package plugin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

// described is an image about which there is much to say.
func described(t *testing.T) *shelf {
	t.Helper()
	s := newShelf(t)
	s.attested(t, "app:a", "linux/amd64")
	engine := s.entry(t, "app:a", nil)
	arm, _ := s.image(t, "app:b", "linux/arm64", func(c *v1.ConfigFile) {
		c.Created = v1.Time{Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	})
	s.store(t, "app:b", mutate.Annotations(arm, map[string]string{
		ocispec.AnnotationBaseImageName: "docker.io/library/alpine:3", ocispec.AnnotationBaseImageDigest: digest.FromString("x").String(), "evil": "\x1b[2Jx",
	}).(v1.Image))
	s.image(t, "app:w", "windows/amd64", func(c *v1.ConfigFile) { c.OSVersion = "10.0.20348.9" })
	var flat ocispec.Index
	assert.NilError(t, json.Unmarshal(s.get(t, "app:a"), &flat))
	assert.Equal(t, engine.MediaType, ocispec.MediaTypeImageIndex)
	b := s.entry(t, "app:b", nil)
	b.Annotations = map[string]string{"entry": "1"}
	s.index(t, "app:1", map[string]string{"org.opencontainers.image.title": "App"}, append([]ocispec.Descriptor{b, s.entry(t, "app:w", nil)}, flat.Manifests...)...)
	return s
}

func TestInspectTellsMore(t *testing.T) {
	s := described(t)
	d := newDocker(t, "nobody", nil)
	for _, c := range []struct {
		golden string
		args   []string
	}{
		{"inspect-more", nil},
		{"inspect-more.json", []string{"--format", "json", "--layers"}},
		{"inspect-more-layers", []string{"--platform", "linux/arm64", "--layers"}},
		{"inspect-more-template", []string{"--format", "{{.Reference}} {{.Platform}} {{.OSVersion}} {{.Attested}} {{.Created}} {{.Base}}"}},
	} {
		assert.NilError(t, d.run(t, append([]string{"inspect", s.host + "/app:1"}, c.args...)...), c.golden)
		golden.Assert(t, strings.ReplaceAll(d.Out.String(), s.host, "REGISTRY"), c.golden+".golden")
		assert.Equal(t, d.Err.String(), "")
	}
}

func TestInspectSeveral(t *testing.T) {
	s := described(t)
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "inspect", s.host+"/app:w", s.host+"/app:b"))
	text := d.Out.String()
	plugintest.Contains(t, text, "app:w\n", "app:b\n", "\n\nName:")
	assert.Assert(t, strings.Index(text, "app:w") < strings.Index(text, "app:b"), "in the order asked for")

	err := d.run(t, "inspect", "--format", "json", s.host+"/app:gone", s.host+"/app:b", s.host+"/app:w")
	assert.Equal(t, exitCode(err), exitUnavailable, "%v", err)
	plugintest.Contains(t, err.Error(), "app:gone: not found")
	var views []imageView
	assert.NilError(t, json.Unmarshal(d.Out.Bytes(), &views))
	assert.Equal(t, len(views), 2, "the others are shown")
	assert.Equal(t, views[0].Reference, s.host+"/app:b")
	assert.NilError(t, d.run(t, "inspect", "--format", "{{.Reference}}", s.host+"/app:b", s.host+"/app:w"))
	assert.Equal(t, d.Out.String(), s.host+"/app:b\n"+s.host+"/app:w\n")
}

func TestInspectConfig(t *testing.T) {
	s := described(t)
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "inspect", "--config", "--platform", "windows/amd64", s.host+"/app:1"))
	var file ocispec.Image
	assert.NilError(t, json.Unmarshal(d.Out.Bytes(), &file))
	assert.Equal(t, file.OSVersion, "10.0.20348.9")
	whole := d.Out.String()
	assert.NilError(t, d.run(t, "inspect", "--config", s.host+"/app:w"), "of one platform there is no choice")
	assert.Equal(t, d.Out.String(), whole)
	assert.NilError(t, d.run(t, "inspect", "--format", "json", s.host+"/app:w"))
}

func TestInspectGate(t *testing.T) {
	s := described(t)
	lie := s.entry(t, "app:b", &ocispec.Platform{OS: "linux", Architecture: "amd64"})
	s.index(t, "app:lie", nil, lie)
	image := s.host + "/app:1"
	d := newDocker(t, "nobody", nil)
	for _, args := range [][]string{
		{"--require", "linux/amd64,linux/arm64", image},
		{"--require", "windows/amd64", "--max-size", "1MB", image},
		{"--require", "windows(10.0.20348.9)/amd64", image},
		{"--max-size", "2kB", "--platform", "linux/arm64", image},
	} {
		assert.NilError(t, d.run(t, append([]string{"inspect"}, args...)...), "%v", args)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--require", "linux/amd64,linux/s390x", image}, []string{"app:1 lacks linux/s390x; it has ", "linux/arm64"}},
		{[]string{"--require", "linux/arm64/v9", image}, []string{"lacks linux/arm64/v9"}},
		{[]string{"--require", "windows(10.0.17763.1)/amd64", image}, []string{"lacks windows(10.0.17763.1)/amd64"}},
		{[]string{"--require", "linux/arm64", s.host + "/app:b", s.host + "/app:w"}, []string{"app:w lacks linux/arm64"}},
		{[]string{"--require", "linux/amd64", s.host + "/app:lie"}, []string{"app:lie lacks linux/amd64; it has no image"}},
		{[]string{"--require", "linux/arm64", s.host + "/app:lie"}, []string{"app:lie lacks linux/arm64; it has no image"}},
		{[]string{"--max-size", "100B", image}, []string{"app:1: linux/amd64 has ", "more than 100B", "windows(10.0.20348.9)/amd64 has "}},
	} {
		err := d.run(t, append([]string{"inspect"}, c.args...)...)
		assert.Equal(t, exitCode(err), exitUnverified, "%v: %v", c.args, err)
		plugintest.Contains(t, err.Error(), c.want...)
		plugintest.Contains(t, d.Out.String(), "PLATFORM")
	}
	err := d.run(t, "inspect", "--raw", "--require", "linux/s390x", image)
	assert.Equal(t, exitCode(err), exitUnverified)
	assert.Equal(t, d.Out.String(), "")
	assert.NilError(t, d.run(t, "inspect", s.host+"/app:lie"))
	plugintest.Contains(t, d.Err.String(), "lists "+lie.Digest.String()+" as linux/amd64, but the image is for linux/arm64")
}

func TestErrorsOfInspectsFlags(t *testing.T) {
	s := described(t)
	image := s.host + "/app:1"
	d := newDocker(t, "nobody", nil)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--raw", "--config", image}, exitUsage, "one at a time"},
		{[]string{"--raw", image, image}, exitUsage, "one image"},
		{[]string{"--config", image, image}, exitUsage, "one image"},
		{[]string{"--raw", "--platform", "linux/amd64", image}, exitUsage, "not one of them"},
		{[]string{"--raw", "--layers", image}, exitUsage, "nothing else"},
		{[]string{"--config", "--nodes", image}, exitUsage, "nothing else"},
		{[]string{"--config", image}, exitUsage, "choose with --platform from linux/arm64, windows(10.0.20348.9)/amd64, linux/amd64"},
		{[]string{"--platform", "arm64", image}, exitUsage, `"arm64"`},
		{[]string{"--require", "arm64", image}, exitUsage, `"arm64"`},
		{[]string{"--max-size", "big", image}, exitUsage, `"big"`},
		{[]string{"--max-size", "0", image}, exitUsage, `"0"`},
		{[]string{"--max-size", "-1MB", image}, exitUsage, "-1MB"},
		{[]string{"--platform", "linux/s390x", image}, exitUnverified, "lacks linux/s390x"},
	} {
		err := d.run(t, append([]string{"inspect"}, c.args...)...)
		assert.Equal(t, exitCode(err), c.code, "%v: %v", c.args, err)
		plugintest.Contains(t, err.Error(), c.want)
		assert.Equal(t, d.Out.String(), "")
	}
}

// An attestation that retention has deleted doesn't hide the image.
func TestInspectOfAMissingAttestation(t *testing.T) {
	s := newShelf(t)
	_, attestation, _ := s.attested(t, "app:a", "linux/amd64")
	status := http.StatusNotFound
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, attestation.String()) {
			w.WriteHeader(status)
			return true
		}
		return false
	})
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "inspect", s.host+"/app:a", "--format", "{{.Attestations}} {{.Attested}}"))
	assert.Equal(t, d.Out.String(), "1 missing\n")
	status = http.StatusForbidden
	err := d.run(t, "inspect", s.host+"/app:a")
	assert.Equal(t, exitCode(err), exitUnavailable, "%v", err)
}

// A gate of which nothing could be looked at does not open, and a list within the list is not passed over in silence.
func TestInspectOfAListWithoutImages(t *testing.T) {
	s := described(t)
	s.index(t, "app:nested", nil, s.entry(t, "app:1", nil))
	s.index(t, "app:empty", nil)
	d := newDocker(t, "nobody", nil)
	inner := digest.FromBytes(s.get(t, "app:1")).String()
	assert.NilError(t, d.run(t, "inspect", s.host+"/app:nested"))
	plugintest.Contains(t, d.Err.String(), "app:nested lists another list, "+inner, "app@"+inner)
	for _, tag := range []string{"nested", "empty"} {
		for _, gate := range []string{"--max-size=1MB", "--verify"} {
			err := d.run(t, "inspect", gate, s.host+"/app:"+tag)
			assert.Equal(t, exitCode(err), exitUnverified, "%s %s: %v", tag, gate, err)
			plugintest.Contains(t, err.Error(), "app:"+tag+" lacks an image to look at")
		}
	}
}
