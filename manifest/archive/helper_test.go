package archive_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/goleak"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// entry is a file of an archive; with link it is a symbolic one.
type entry struct{ name, content, link string }

// pack makes an archive.
func pack(tb testing.TB, entries ...entry) []byte {
	tb.Helper()
	headers := make([]tar.Header, len(entries))
	for i, e := range entries {
		headers[i] = tar.Header{Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.content)), Mode: 0o644}
		if e.link != "" {
			headers[i].Typeflag, headers[i].Linkname = tar.TypeSymlink, e.link
		}
	}
	return packHeaders(tb, headers, entries)
}

func packHeaders(tb testing.TB, headers []tar.Header, entries []entry) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, h := range headers {
		assert.NilError(tb, w.WriteHeader(&h))
		_, err := w.Write([]byte(entries[i].content))
		assert.NilError(tb, err)
	}
	assert.NilError(tb, w.Close())
	return b.Bytes()
}

func marshal(tb testing.TB, content any) string {
	tb.Helper()
	raw, err := json.Marshal(content)
	assert.NilError(tb, err)
	return string(raw)
}

func blob(content string) entry {
	return entry{name: "blobs/sha256/" + digest.FromString(content).Encoded(), content: content}
}

func describe(mediaType, content string) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromString(content), Size: int64(len(content))}
}

// The layers of the image in the tests; the first one comes again.
var layers = []string{strings.Repeat("base ", 2000), "second", strings.Repeat("base ", 2000)}

func config(tb testing.TB) string {
	tb.Helper()
	var diffs []digest.Digest
	for _, l := range layers {
		diffs = append(diffs, digest.FromString(l))
	}
	return marshal(tb, ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "arm64"}, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: diffs},
	})
}

type savedImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// legacy is what engines up to 24.0 save.
func legacy(tb testing.TB) []entry {
	tb.Helper()
	c := config(tb)
	name := digest.FromString(c).Encoded() + ".json"
	return []entry{
		{name: "a/VERSION", content: "1.0"},
		{name: "a/json", content: `{"id":"a"}`},
		{name: "a/layer.tar", content: layers[0]},
		{name: "b/layer.tar", content: layers[1]},
		{name: "c/layer.tar", link: "../a/layer.tar"},
		{name: name, content: c},
		{name: "manifest.json", content: marshal(tb, []savedImage{{Config: name, Layers: []string{"a/layer.tar", "b/layer.tar", "c/layer.tar"}}})},
	}
}

const (
	ociManifest = ocispec.MediaTypeImageManifest
	ociConfig   = ocispec.MediaTypeImageConfig
	ociGzip     = ocispec.MediaTypeImageLayerGzip
	dockerImage = "application/vnd.docker.distribution.manifest.v2+json"
)

// blobs is what engines with a graph driver save since 25.0: OCI's form, with plain layers.
func blobs(tb testing.TB) []entry {
	tb.Helper()
	c := config(tb)
	m := marshal(tb, ocispec.Manifest{MediaType: ociManifest, Config: describe(ociConfig, c), Layers: []ocispec.Descriptor{
		describe(ocispec.MediaTypeImageLayer, layers[0]), describe(ocispec.MediaTypeImageLayer, layers[1]), describe(ocispec.MediaTypeImageLayer, layers[0]),
	}})
	return []entry{
		blob(layers[0]), blob(layers[1]), blob(c), blob(m), blob(`{"id":"a"}`),
		{name: "index.json", content: marshal(tb, ocispec.Index{Manifests: []ocispec.Descriptor{describe(ociManifest, m)}})},
		{name: "manifest.json", content: marshal(tb, []savedImage{{Config: blob(c).name, Layers: []string{blob(layers[0]).name, blob(layers[1]).name, blob(layers[0]).name}}})},
		{name: "oci-layout", content: `{"imageLayoutVersion": "1.0.0"}`},
	}
}

// whole is what engines with the containerd image store save: manifests and layers as in a registry. Here it is an index of
// one image in Docker's media types. The layers need not be compressed for that.
func whole(tb testing.TB) (entries []entry, image, index string) {
	tb.Helper()
	c := config(tb)
	image = marshal(tb, ocispec.Manifest{MediaType: dockerImage, Config: describe("application/vnd.docker.container.image.v1+json", c), Layers: []ocispec.Descriptor{
		describe("application/vnd.docker.image.rootfs.diff.tar.gzip", layers[0]), describe(ociGzip, layers[1]), describe(ociGzip, layers[2]),
	}})
	index = marshal(tb, ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{describe(dockerImage, image)}})
	return []entry{
		blob(layers[0]), blob(layers[1]), blob(c), blob(image), blob(index),
		{name: "index.json", content: marshal(tb, ocispec.Index{Manifests: []ocispec.Descriptor{describe(ocispec.MediaTypeImageIndex, index)}})},
		{name: "manifest.json", content: marshal(tb, []savedImage{{Config: blob(c).name, Layers: []string{blob(layers[0]).name}}})},
		{name: "oci-layout", content: `{"imageLayoutVersion":"1.0.0"}`},
	}, image, index
}

// newLayout is an empty layout.
func newLayout(tb testing.TB) (d *layout.Dir, dir string) {
	tb.Helper()
	dir = filepath.Join(tb.TempDir(), "layout")
	d, err := layout.Create(dir)
	assert.NilError(tb, err)
	tb.Cleanup(func() { assert.Check(tb, d.Close()) })
	return d, dir
}

// files are the files below a directory.
func files(tb testing.TB, dir string) []string {
	tb.Helper()
	var all []string
	assert.NilError(tb, fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !isLock(name) {
			all = append(all, name)
		}
		return err
	}))
	slices.Sort(all)
	return all
}

// isLock tells what an open layout has beside its own files.
func isLock(name string) bool { return filepath.Base(name) == "docker-multiarch.lock" }

// read reads a blob of a layout.
func read(tb testing.TB, dir string, dgst digest.Digest) string {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "blobs", "sha256", dgst.Encoded()))
	assert.NilError(tb, err)
	assert.Equal(tb, digest.FromBytes(raw), dgst)
	return string(raw)
}
