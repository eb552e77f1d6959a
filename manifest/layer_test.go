package manifest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

func TestALayerIsCheckedAsItIsRead(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	img := image(t, "linux/amd64", nil)
	name := s.ref(t, "app:1")
	s.push(t, "app:1", img)
	r, _ := client(t, nil)
	found, err := r.Inspect(t.Context(), name)
	assert.NilError(t, err)
	layer := found.Images[0].Layers[0]

	body, err := r.Layer(t.Context(), name, layer)
	assert.NilError(t, err)
	raw, err := io.ReadAll(body)
	assert.NilError(t, err)
	assert.Equal(t, int64(len(raw)), layer.Size)
	assert.NilError(t, body.Close())

	s.on(func(w http.ResponseWriter, req *http.Request) bool {
		if !strings.HasSuffix(req.URL.Path, layer.Digest.String()) {
			return false
		}
		_, _ = w.Write([]byte(strings.Repeat("x", int(layer.Size))))
		return true
	})
	body, err = r.Layer(t.Context(), name, layer)
	assert.NilError(t, err)
	_, err = io.ReadAll(body)
	assert.ErrorIs(t, err, ErrDigest)
	assert.NilError(t, body.Close())

	s.on(func(w http.ResponseWriter, req *http.Request) bool {
		return strings.HasSuffix(req.URL.Path, layer.Digest.String()) && fail(w, http.StatusNotFound, "BLOB_UNKNOWN", "gone")
	})
	_, err = r.Layer(t.Context(), name, layer)
	assert.ErrorIs(t, err, ErrNotFound)
}

// A registry may ask for more time than it may be silent.
func TestALayerIsWaitedForAsLongAsTheRegistryAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const text = "layer"
		busy := true
		r := New(nil, WithTransport(transportFunc(func(req *http.Request) (*http.Response, error) {
			if busy && strings.Contains(req.URL.Path, "/blobs/") {
				busy = false
				resp := respond(req, http.StatusTooManyRequests, strings.NewReader(""))
				resp.Header.Set("Retry-After", "200")
				return resp, nil
			}
			return respond(req, http.StatusOK, strings.NewReader(text)), nil
		})))
		layer := ocispec.Descriptor{Digest: digest.FromString(text), Size: int64(len(text))}
		body, err := r.Layer(t.Context(), mustRef(t, "src.example/app:1"), layer)
		assert.NilError(t, err)
		raw, err := io.ReadAll(body)
		assert.NilError(t, err)
		assert.Equal(t, string(raw), text)
		assert.NilError(t, body.Close())
	})
}
