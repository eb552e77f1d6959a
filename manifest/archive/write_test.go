package archive_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/manifest/archive"
	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
)

// filled is a layout that lists one image under a name.
func filled(t *testing.T) (d *layout.Dir, dir string, desc ocispec.Descriptor) {
	t.Helper()
	d, dir = newLayout(t)
	desc, err := archive.ReadImage(t.Context(), bytes.NewReader(pack(t, legacy(t)...)), d, digest.FromString(config(t)), true)
	assert.NilError(t, err)
	desc.Annotations = map[string]string{archive.AnnotationName: "docker.io/library/app:1", ocispec.AnnotationRefName: "1"}
	assert.NilError(t, d.List(desc))
	return d, dir, desc
}

func write(t *testing.T, d *layout.Dir, docker bool) []byte {
	t.Helper()
	var b bytes.Buffer
	assert.NilError(t, archive.Write(t.Context(), &b, d, docker))
	return b.Bytes()
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	d, dir, desc := filled(t)
	raw := write(t, d, false)
	again, other := newLayout(t)
	assert.NilError(t, archive.Read(t.Context(), bytes.NewReader(raw), again))
	index, err := again.Index()
	assert.NilError(t, err)
	assert.DeepEqual(t, index.Manifests, []ocispec.Descriptor{desc})
	assert.DeepEqual(t, files(t, other), files(t, dir))
	// Whoever made it, when and where does not show.
	assert.DeepEqual(t, write(t, again, false), raw)
	var names []string
	for r := tar.NewReader(bytes.NewReader(raw)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		assert.NilError(t, err)
		names = append(names, h.Name)
		assert.Assert(t, h.ModTime.Unix() == 0 && h.Uid == 0 && h.Gid == 0 && h.Uname == "" && h.Gname == "", "%v", h)
	}
	assert.Assert(t, slices.IsSorted(names), "%v", names)
}

// An archive has what its index lists, and no more.
func TestWriteLeavesOut(t *testing.T) {
	d, _, _ := filled(t)
	raw := write(t, d, false)
	file, err := d.Spool(bytes.NewReader([]byte("nobody's")))
	assert.NilError(t, err)
	assert.NilError(t, file.Keep())
	assert.DeepEqual(t, write(t, d, false), raw)
}

func TestWriteForDocker(t *testing.T) {
	d, dir, desc := filled(t)
	saved := func() (all []savedImage) {
		r := tar.NewReader(bytes.NewReader(write(t, d, true)))
		for {
			h, err := r.Next()
			assert.NilError(t, err)
			if h.Name == "manifest.json" {
				assert.NilError(t, json.NewDecoder(r).Decode(&all))
				return all
			}
		}
	}
	all := saved()
	assert.Equal(t, len(all), 1)
	assert.Equal(t, all[0].Config, blob(config(t)).name)
	assert.DeepEqual(t, all[0].RepoTags, []string{"docker.io/library/app:1"})
	assert.Equal(t, len(all[0].Layers), len(layers))

	// Of two images, neither is the one with the name.
	other := read(t, dir, desc.Digest) + " "
	file, err := d.Spool(bytes.NewReader([]byte(other)))
	assert.NilError(t, err)
	assert.NilError(t, file.Keep())
	assert.NilError(t, d.List(desc, describe(desc.MediaType, other)))
	all = saved()
	assert.Equal(t, len(all), 2)
	assert.Equal(t, len(all[0].RepoTags), 0)

	// An attestation is no image.
	attestation := describe(desc.MediaType, other)
	attestation.Annotations = map[string]string{"vnd.docker.reference.digest": desc.Digest.String()}
	assert.NilError(t, d.List(desc, attestation))
	assert.Equal(t, len(saved()), 1)
}

func TestWriteOfADamagedLayout(t *testing.T) {
	for name, damage := range map[string]func(*testing.T, string){
		"other":   func(t *testing.T, blob string) { change(t, blob, func(b []byte) []byte { b[0]++; return b }) },
		"shorter": func(t *testing.T, blob string) { change(t, blob, func(b []byte) []byte { return b[1:] }) },
		"longer":  func(t *testing.T, blob string) { change(t, blob, func(b []byte) []byte { return append(b, ' ') }) },
		"gone":    func(t *testing.T, blob string) { assert.NilError(t, os.Remove(blob)) },
	} {
		t.Run(name, func(t *testing.T) {
			_, dir, desc := filled(t)
			for _, file := range files(t, dir) {
				if filepath.Dir(file) != "blobs/sha256" {
					continue
				}
				blob := filepath.Join(dir, file)
				raw, err := os.ReadFile(blob)
				assert.NilError(t, err)
				damage(t, blob)
				d, err := layout.Open(dir)
				assert.NilError(t, err)
				err = archive.Write(t.Context(), io.Discard, d, true)
				assert.Assert(t, err != nil, "%s of %s", file, desc.Digest)
				assert.NilError(t, d.Close())
				assert.NilError(t, os.WriteFile(blob, raw, 0o600))
			}
		})
	}
}

func change(t *testing.T, file string, f func([]byte) []byte) {
	t.Helper()
	raw, err := os.ReadFile(file)
	assert.NilError(t, err)
	assert.NilError(t, os.WriteFile(file, f(raw), 0o600))
}

func TestReadRefuses(t *testing.T) {
	entries, _, _ := whole(t)
	for name, change := range map[string]entry{
		"no layout":     {name: "oci-layout", content: "x"},
		"other version": {name: "oci-layout", content: `{"imageLayoutVersion":"2.0.0"}`},
		"no index":      {name: "index.json", content: "x"},
		"missing":       {name: "index.json", content: marshal(t, ocispec.Index{Manifests: []ocispec.Descriptor{describe(ociManifest, "x")}})},
		"many":          {name: "index.json", content: marshal(t, ocispec.Index{Manifests: make([]ocispec.Descriptor, 1001)})},
	} {
		d, dir := newLayout(t)
		err := archive.Read(t.Context(), bytes.NewReader(pack(t, with(slices.Clone(entries), change)...)), d)
		assert.ErrorIs(t, err, archive.ErrInvalid, name)
		assert.Equal(t, len(files(t, dir)), 2, name)
	}
}
