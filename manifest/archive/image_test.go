package archive_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/manifest/archive"
)

// The image of a graph driver gets a manifest, the same whatever form it was saved in.
func TestReadImageOfAGraphDriver(t *testing.T) {
	id := digest.FromString(config(t))
	windows := legacy(t)
	for i, e := range windows {
		windows[i] = entry{name: strings.ReplaceAll(e.name, "/", `\`), link: strings.ReplaceAll(e.link, "/", `\`), content: strings.ReplaceAll(e.content, "/layer.tar", `\\layer.tar`)}
	}
	dotted := blobs(t)
	for i := range dotted {
		dotted[i].name = "./" + dotted[i].name
	}
	var first ocispec.Descriptor
	for name, entries := range map[string][]entry{"legacy": legacy(t), "blobs": blobs(t), "windows": windows, "dotted": dotted} {
		d, dir := newLayout(t)
		desc, err := archive.ReadImage(t.Context(), bytes.NewReader(pack(t, entries...)), d, id, false)
		assert.NilError(t, err, name)
		var m ocispec.Manifest
		assert.NilError(t, json.Unmarshal([]byte(read(t, dir, desc.Digest)), &m))
		assert.Equal(t, desc.MediaType, dockerImage)
		assert.Equal(t, m.MediaType, dockerImage)
		assert.Equal(t, m.Config.Digest, id)
		assert.Equal(t, read(t, dir, id), config(t))
		for i, l := range m.Layers {
			assert.Equal(t, unzip(t, read(t, dir, l.Digest)), layers[i])
			assert.Equal(t, int(l.Size), len(read(t, dir, l.Digest)))
		}
		// Two layers, config and manifest, index.json and oci-layout; nothing of the archive's other files.
		assert.Equal(t, len(files(t, dir)), 6, "%s: %v", name, files(t, dir))
		if first.Digest == "" {
			first = desc
		}
		assert.DeepEqual(t, desc, first)
	}
}

func unzip(t *testing.T, content string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(content))
	assert.NilError(t, err)
	raw, err := io.ReadAll(r)
	assert.NilError(t, err)
	return string(raw)
}

// The image of a containerd store stays what it is: an index, or the image in it.
func TestReadImageOfAContainerdStore(t *testing.T) {
	entries, image, index := whole(t)
	for _, c := range []struct {
		content, mediaType string
		blobs              int
	}{{index, ocispec.MediaTypeImageIndex, 5}, {image, dockerImage, 4}} {
		d, dir := newLayout(t)
		desc, err := archive.ReadImage(t.Context(), bytes.NewReader(pack(t, entries...)), d, digest.FromString(c.content), false)
		assert.NilError(t, err)
		assert.DeepEqual(t, desc, describe(c.mediaType, c.content))
		assert.Equal(t, read(t, dir, desc.Digest), c.content)
		assert.Equal(t, len(files(t, dir)), c.blobs+2, "%v", files(t, dir))
	}
}

// An image of several gigabytes may share layers with another that is read at the same time.
func TestReadImagesAtOnce(t *testing.T) {
	d, dir := newLayout(t)
	entries, _, index := whole(t)
	var g errgroup.Group
	for range 4 {
		g.Go(func() error {
			_, err := archive.ReadImage(t.Context(), bytes.NewReader(pack(t, legacy(t)...)), d, digest.FromString(config(t)), true)
			return err
		})
		g.Go(func() error {
			_, err := archive.ReadImage(t.Context(), bytes.NewReader(pack(t, entries...)), d, digest.FromString(index), true)
			return err
		})
	}
	assert.NilError(t, g.Wait())
	assert.Equal(t, len(uploads(t, dir)), 0)
}

func TestReadImageConverts(t *testing.T) {
	entries, image, index := whole(t)
	attested := marshal(t, ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{
		describe(dockerImage, image),
		{MediaType: dockerImage, Digest: digest.FromString(image), Annotations: map[string]string{"vnd.docker.reference.digest": digest.FromString(image).String()}},
	}})
	for name, c := range map[string]struct {
		entries []entry
		id      digest.Digest
		same    bool
	}{
		"legacy":     {legacy(t), digest.FromString(config(t)), false},
		"containerd": {entries, digest.FromString(index), false},
		"attested":   {append(entries, blob(attested)), digest.FromString(attested), true},
	} {
		d, dir := newLayout(t)
		desc, err := archive.ReadImage(t.Context(), bytes.NewReader(pack(t, c.entries...)), d, c.id, true)
		assert.NilError(t, err, name)
		assert.Equal(t, desc.Digest == c.id, c.same, name)
		raw := read(t, dir, desc.Digest)
		var top ocispec.Index
		assert.NilError(t, json.Unmarshal([]byte(raw), &top))
		assert.Equal(t, top.MediaType, desc.MediaType)
		if len(top.Manifests) > 0 {
			assert.Equal(t, top.Manifests[0].Digest == digest.FromString(image), c.same, name)
			raw += read(t, dir, top.Manifests[0].Digest)
		}
		assert.Equal(t, strings.Contains(raw, "vnd.docker.distribution"), c.same, "%s: %s", name, raw)
		assert.Equal(t, strings.Contains(raw, "vnd.docker.image"), c.same, "%s: %s", name, raw)
	}
}

// Wherever a stream ends, there is no image, and nothing stays behind.
func TestReadImageOfACutStream(t *testing.T) {
	entries, _, index := whole(t)
	after := func(name string) func([]byte) int {
		return func(raw []byte) int { return bytes.LastIndex(raw, []byte(name)) + 512 }
	}
	for name, c := range map[string]struct {
		entries []entry
		id      digest.Digest
		needs   func([]byte) int
	}{
		"legacy":     {legacy(t), digest.FromString(config(t)), after("manifest.json")},
		"blobs":      {blobs(t), digest.FromString(config(t)), after("manifest.json")},
		"containerd": {entries, digest.FromString(index), after(blob(index).name)},
	} {
		raw := pack(t, c.entries...)
		broken := errors.New("connection broke")
		for n := 0; n < len(raw)-2*512; n += 512 {
			d, dir := newLayout(t)
			desc, err := archive.ReadImage(t.Context(), bytes.NewReader(raw[:n]), d, c.id, false)
			if err == nil { // nothing that it needs was cut off
				assert.NilError(t, d.List(desc))
				assert.NilError(t, archive.Write(t.Context(), io.Discard, d, false), "%s cut at %d", name, n)
				assert.Assert(t, n >= c.needs(raw), "%s cut at %d", name, n)
			} else {
				assert.Assert(t, errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, archive.ErrInvalid), "%s cut at %d: %v", name, n, err)
			}
			_, err = archive.ReadImage(t.Context(), io.MultiReader(bytes.NewReader(raw[:n]), iotest.ErrReader(broken)), d, c.id, false)
			assert.ErrorIs(t, err, broken, "%s broken at %d", name, n)
			for _, file := range files(t, dir) {
				assert.Assert(t, !strings.Contains(file, "upload"), "%s cut at %d left %s", name, n, file)
			}
		}
	}
}

func TestReadImageEndsWithItsContext(t *testing.T) {
	d, dir := newLayout(t)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	r := io.MultiReader(bytes.NewReader(pack(t, legacy(t)...)[:1000]), readerFunc(func([]byte) (int, error) { cancel(stop); return 0, nil }))
	_, err := archive.ReadImage(ctx, r, d, digest.FromString(config(t)), false)
	assert.ErrorIs(t, err, stop)
	assert.Equal(t, len(files(t, dir)), 2)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
