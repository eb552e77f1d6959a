package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

// child is an image in a registry.
func child(platform, content string) manifest.Child {
	p := platforms.Normalize(platforms.MustParse(platform))
	return manifest.Child{
		Descriptor: ocispec.Descriptor{
			MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(content), Size: 500, Platform: &p,
		},
		ConfigDigest: digest.FromString("config of " + content), Size: 2000,
	}
}

// pushed is a session after a build whose images were pushed, each to those
// repositories.
func pushed(t *testing.T, repositories ...string) *session {
	t.Helper()
	dir := plugintest.Dir(t, map[string]string{"Dockerfile": "FROM scratch", "a": "12345"})
	snapshot, err := source.Read(t.Context(), dir, nil)
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, snapshot.Close()) })
	s := &session{snapshot: snapshot, children: map[string]manifest.Child{}, input: &input{options: &options{push: true}}}
	for _, repository := range repositories {
		s.input.targets = append(s.input.targets, plugintest.Targets(repository+":1")...)
	}
	for i, platform := range []string{"linux/amd64", "linux/arm/v7"} {
		p := platforms.Normalize(platforms.MustParse(platform))
		node := &contexts.Node{Name: fmt.Sprint("node", i), Host: "ssh://node", Engine: contexts.Engine{ID: "x", Version: "28.5.2", Platform: p}}
		r := build.Result{
			Assignment: build.Assignment{Platform: p, Node: node, Match: contexts.Native},
			Image:      build.Image{ID: digest.FromString("config of " + platform), Sent: []string{"a"}, Bytes: 5},
			BuildTime:  1500 * time.Millisecond, PushTime: 250 * time.Millisecond,
		}
		for _, repository := range repositories {
			name := plugintest.Targets(repository + ":1-" + strings.ReplaceAll(platform, "/", "-"))[0]
			r.PlatformTags = append(r.PlatformTags, name)
			pushed := build.Pushed{Reference: name, Digest: digest.FromString(platform)}
			r.Pushed = append(r.Pushed, pushed)
			s.children[childKey(pushed)] = child(platform, platform)
		}
		s.results = append(s.results, r)
		s.plan = append(s.plan, r.Assignment)
	}
	return s
}

func TestTheIndexIsTheSameForEveryRepository(t *testing.T) {
	t.Parallel()
	one, err := pushed(t, "reg.example.com/a").newIndex()
	assert.NilError(t, err)
	two, err := pushed(t, "reg.example.com/a", "reg.example.com/b").newIndex()
	assert.NilError(t, err)
	assert.Equal(t, one.Descriptor.Digest, two.Descriptor.Digest)
}

func TestEnginesThatPushedOtherImagesToTheSecondRepositoryAreRefused(t *testing.T) {
	t.Parallel()
	s := pushed(t, "reg.example.com/a", "reg.example.com/b")
	s.children[childKey(s.results[0].Pushed[1])] = child("linux/amd64", "other")
	_, err := s.newIndex()
	assert.ErrorIs(t, err, manifest.ErrDigest)
	assert.ErrorContains(t, err, "reg.example.com/b")
}

// TestAPlatformThatFailedIsInNoIndex: it may have been pushed to the first of two
// repositories before it failed.
func TestAPlatformThatFailedIsInNoIndex(t *testing.T) {
	t.Parallel()
	s := pushed(t, "reg.example.com/a", "reg.example.com/b")
	s.results[1].Err, s.results[1].Optional = errors.New("denied"), true
	s.results[1].Pushed = s.results[1].Pushed[:1]
	index, err := s.newIndex()
	assert.NilError(t, err)
	var document ocispec.Index
	assert.NilError(t, json.Unmarshal(index.Raw, &document))
	assert.Equal(t, len(document.Manifests), 1)
	assert.Equal(t, platforms.Format(*document.Manifests[0].Platform), "linux/amd64")
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := pushed(t, "reg.example.com/a")
	s.plan = s.plan[:2]
	s.input.platforms = []ocispec.Platform{platforms.MustParse("linux/amd64"), platforms.MustParse("linux/s390x")}
	s.results[0].Lost = []error{errors.New("lost the node\x1b[2J: first")}
	var err error
	s.index, err = s.newIndex()
	assert.NilError(t, err)
	path := filepath.Join(t.TempDir(), "metadata.json")
	assert.NilError(t, s.writeMetadata(path))
	text, err := os.ReadFile(path)
	assert.NilError(t, err)
	golden.Assert(t, strings.ReplaceAll(string(text), s.snapshot.Fingerprint().String(), "FINGERPRINT"), "metadata.json.golden")

	// Without --push there is no digest to report; a platform that failed is missing.
	s.input.options.push = false
	s.results[1].Err = errors.New("x")
	m := s.metadata()
	assert.Equal(t, m.Digest, digest.Digest(""))
	assert.Assert(t, m.Descriptor == nil)
	assert.DeepEqual(t, m.Missing, []string{"linux/s390x", "linux/arm/v7"})
	assert.Equal(t, len(m.Platforms), 1)
}

func TestTwoBuildsOfWindowsAreTwoInTheMetadata(t *testing.T) {
	t.Parallel()
	s := pushed(t, "reg.example.com/a")
	for i, version := range []string{"10.0.20348.1", "10.0.17763.1"} {
		s.results[i].Platform = ocispec.Platform{OS: "windows", Architecture: "amd64", OSVersion: version}
	}
	assert.Equal(t, len(s.metadata().Platforms), 2)
}

func TestMetadataThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	s := pushed(t, "reg.example.com/a")
	assert.ErrorContains(t, s.writeMetadata(filepath.Join(t.TempDir(), "nowhere", "m.json")), "writing metadata")
}

func TestVerify(t *testing.T) {
	d, _, _, dir := plugintest.Two(t)
	host := plugintest.Registry(t, nil)
	s, _ := sessionOf(t, d, dir)
	s.children = map[string]manifest.Child{}
	image := plugintest.Image(t, "linux/arm64", 1)
	name := plugintest.Targets(host + "/app:1-linux-arm64")[0]
	hash, err := plugintest.Upload(name.String(), image)
	assert.NilError(t, err)
	config, err := image.ConfigName()
	assert.NilError(t, err)
	manifestDigest, configDigest := digest.Digest(hash.String()), digest.Digest(config.String())
	for _, c := range []struct {
		name, platform string
		id             digest.Digest
		want           error
	}{
		{"a graph driver's image", "linux/arm64", configDigest, nil},
		{"a containerd store's image", "linux/arm64", manifestDigest, nil},
		{"another image", "linux/arm64", digest.FromString("other"), build.ErrOtherImage},
		{"another platform", "linux/amd64", configDigest, manifest.ErrPlatform},
	} {
		a := build.Assignment{Platform: platforms.MustParse(c.platform)}
		err := s.verify(t.Context(), a, build.Image{ID: c.id}, build.Pushed{Reference: name, Digest: manifestDigest})
		assert.ErrorIs(t, err, c.want, c.name)
	}
	assert.Equal(t, s.children[childKey(build.Pushed{Reference: name, Digest: manifestDigest})].ConfigDigest, configDigest)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Assert(t, s.verify(ctx, build.Assignment{}, build.Image{}, build.Pushed{Reference: name, Digest: manifestDigest}) != nil)
}

func TestMetadataOfABuildThatDoesNotPushHasNoPushSeconds(t *testing.T) {
	t.Parallel()
	s := pushed(t, "reg.example.com/a")
	for _, p := range s.metadata().Platforms {
		assert.Equal(t, p.PushSeconds, 0.25)
	}
	for i := range s.results {
		s.results[i].Pushed = nil
	}
	for _, p := range s.metadata().Platforms {
		assert.Equal(t, p.PushSeconds, 0.0)
	}
}
