package layout_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/distribution/reference"
	refname "github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	gcrlayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
)

const host = "layout.invalid"

// scene is a registry with an index under app:1, and an empty layout.
func scene(t *testing.T) (client *manifest.Registry, address string, d *layout.Dir, dir string, index v1.ImageIndex) {
	t.Helper()
	server := httptest.NewServer(registry.New())
	t.Cleanup(server.Close)
	address = strings.TrimPrefix(server.URL, "http://")
	index, err := random.Index(1000, 2, 3)
	assert.NilError(t, err)
	tag, err := refname.NewTag(address+"/app:1", refname.Insecure)
	assert.NilError(t, err)
	assert.NilError(t, remote.WriteIndex(tag, index))
	dir = filepath.Join(t.TempDir(), "layout")
	d, err = layout.Create(dir)
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, d.Close()) })
	client = manifest.New(nil)
	client.Attach(host, d)
	return client, address, d, dir, index
}

func named(t *testing.T, text string) reference.NamedTagged {
	t.Helper()
	n, err := reference.ParseNormalizedNamed(text)
	assert.NilError(t, err)
	return n.(reference.NamedTagged)
}

// What goes into a layout is read by go-containerregistry, and comes back the same.
func TestCopyThroughALayout(t *testing.T) {
	client, address, d, dir, index := scene(t)
	want, err := index.Digest()
	assert.NilError(t, err)
	for _, way := range [][2]string{{address + "/app:1", host + "/image:1"}, {host + "/image:1", address + "/back:2"}, {address + "/app:1", host + "/image:1"}} {
		desc, _, err := client.Copy(t.Context(), named(t, way[0]), named(t, way[1]))
		assert.NilError(t, err)
		assert.Equal(t, desc.Digest.String(), want.String())
	}
	path, err := gcrlayout.FromPath(dir)
	assert.NilError(t, err)
	all, err := path.ImageIndex()
	assert.NilError(t, err)
	held, err := all.IndexManifest()
	assert.NilError(t, err)
	assert.Equal(t, len(held.Manifests), 1)
	assert.Equal(t, held.Manifests[0].Digest, want)
	assert.Equal(t, held.Manifests[0].Annotations["org.opencontainers.image.ref.name"], "1")
	assert.NilError(t, d.Close())
	left, err := filepath.Glob(filepath.Join(dir, ".upload*"))
	assert.NilError(t, err)
	assert.Equal(t, len(left), 0)
}

func TestADamagedLayout(t *testing.T) {
	for name, damage := range map[string]func(string) error{
		"other content": func(blob string) error { return os.WriteFile(blob, []byte("{}"), 0o600) },
		"a link": func(blob string) error {
			return os.Rename(blob, blob+".real")
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, address, _, dir, index := scene(t)
			_, _, err := client.Copy(t.Context(), named(t, address+"/app:1"), named(t, host+"/image:1"))
			assert.NilError(t, err)
			dgst, err := index.Digest()
			assert.NilError(t, err)
			blob := filepath.Join(dir, "blobs", "sha256", dgst.Hex)
			assert.NilError(t, damage(blob))
			if name == "a link" {
				assert.NilError(t, os.Symlink(blob+".real", blob))
			}
			_, _, err = client.Copy(t.Context(), named(t, host+"/image:1"), named(t, address+"/back:2"))
			assert.ErrorContains(t, err, dgst.Hex)
		})
	}
}

// What this machine fails with is said as it is, and not tried again.
func TestALayoutThatCanNotBeWritten(t *testing.T) {
	client, address, _, dir, _ := scene(t)
	blobs := filepath.Join(dir, "blobs")
	assert.NilError(t, os.RemoveAll(blobs))
	assert.NilError(t, os.WriteFile(blobs, nil, 0o600))
	_, _, err := client.Copy(t.Context(), named(t, address+"/app:1"), named(t, host+"/image:1"))
	assert.ErrorIs(t, err, syscall.ENOTDIR)
	var failed *manifest.Error
	assert.Assert(t, errors.As(err, &failed))
	assert.Equal(t, failed.Attempts, 1)
}

// Several that name images in one layout at once, as runs of their own do, lose none.
func TestNamesFromSeveralAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "layout")
	const each = 50
	var work errgroup.Group
	for i := range 4 {
		d, err := layout.Create(dir)
		assert.NilError(t, err)
		defer func() { assert.Check(t, d.Close()) }()
		work.Go(func() error {
			for j := range each {
				text := fmt.Sprint(i, "-", j)
				m := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString(text), Annotations: map[string]string{ocispec.AnnotationRefName: text}}
				if err := d.Name(m); err != nil {
					return err
				}
			}
			return nil
		})
	}
	assert.NilError(t, work.Wait())
	d, err := layout.Open(dir)
	assert.NilError(t, err)
	defer func() { assert.Check(t, d.Close()) }()
	index, err := d.Index()
	assert.NilError(t, err)
	assert.Equal(t, len(index.Manifests), 4*each)
}
