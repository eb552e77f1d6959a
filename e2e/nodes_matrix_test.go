//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// matrix has every engine version, image store and transport of the farm.
var matrix = []struct {
	context, version, store, platform string
}{
	{"amd64", "20.10.", "overlay2", "linux/amd64"},
	{"i386", "20.10.", "overlay2", "linux/386"},
	{"trixie", "26.1.", "overlay2", "linux/amd64"},
	{"modern", "28.5.", "io.containerd.snapshotter.v1", "linux/amd64"},
	{"tls", "26.1.", "overlay2", "linux/amd64"},
	{"ssh", "20.10.", "overlay2", "linux/386"},
}

// The main job, on every kind of engine and over every transport.
func TestEveryKindOfNode(t *testing.T) {
	t.Parallel()
	for _, row := range matrix {
		t.Run(row.context, func(t *testing.T) {
			t.Parallel()
			s, e := newNodeScene(t, row.context), behind(row.context)
			about := e.docker(t, "info", "--format", "{{.ServerVersion}} {{.Driver}} {{.DriverStatus}}")
			assert.Assert(t, strings.HasPrefix(about, row.version) && is.Contains(about, row.store)().Success(), "%s is %s", e, about)

			digest := digestOf(t, s.push("--platform", row.platform, s.dir("COPY Dockerfile /copied", "RUN uname -m > /machine")).succeeded(), s.ref())

			image := published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{row.platform}})
			assert.Equal(t, image.Digest, digest)
			assert.Equal(t, image.MediaType, listType(image))
			child := image.Children[0]
			if id := e.image(t, s.ref()); row.store == "overlay2" {
				assert.Equal(t, child.ConfigDigest, id)
			} else {
				assert.Equal(t, child.Digest, id)
			}
			want := map[string]string{"linux/amd64": "x86_64", "linux/386": "i686"}[row.platform]
			assert.Equal(t, e.run(t, s.ref(), "cat", "/machine"), want)
		})
	}
}

// listType is the media type that an index of these images must have: a Docker list can hold Docker's manifests alone.
func listType(image oracle.Image) string {
	for _, child := range image.Children {
		if child.MediaType != dockerManifest {
			return ociIndex
		}
	}
	return dockerList
}

// Engines of different ages, image stores and transports make one image together, be its parts Docker's, OCI's or both.
func TestNodesOfDifferentKinds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		amd64, i386 string
		args        []string
		amd64Type   string
	}{
		"stores":     {"modern", "i386", nil, dockerManifest},
		"transports": {"tls", "ssh", nil, dockerManifest},
		// An annotation needs OCI's manifest, which the engine of the other platform can't make.
		"media types": {"modern", "i386", []string{"--annotation", "linux/amd64:e2e=mixed"}, ociManifest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newNodeScene(t, test.amd64, test.i386)

			r := s.push(append(test.args, s.dir("COPY Dockerfile /copied", "RUN uname -m > /machine"))...).succeeded()

			assert.DeepEqual(t, r.plan(), map[string]string{"linux/amd64": test.amd64 + " native", "linux/386": test.i386 + " native"})
			image := published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}})
			assert.Equal(t, image.Digest, digestOf(t, r, s.ref()))
			assert.Equal(t, image.Children[0].MediaType, dockerManifest)
			assert.Equal(t, image.Children[1].MediaType, test.amd64Type)
			assert.Equal(t, image.MediaType, listType(image))
		})
	}
}
