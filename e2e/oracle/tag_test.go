package oracle

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

func TestTag(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	push{platforms: linuxThree}.to(t, f)
	m, err := registry.Tag(t.Context(), repo, "1")
	assert.NilError(t, err)
	assert.Check(t, is.DeepEqual(m, Manifest{Digest: digestOf(f.manifests["1"].raw), MediaType: ociIndex, Raw: f.manifests["1"].raw}))

	_, err = registry.Tag(t.Context(), repo, "2")
	assert.Check(t, is.ErrorIs(err, ErrNoTag))
}

func TestTagTakesNoOther404ForAMissingTag(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	f.status = http.StatusNotFound
	_, err := registry.Tag(t.Context(), repo, "1")
	assert.ErrorContains(t, err, "the registry answered 404")
	assert.Check(t, !errors.Is(err, ErrNoTag))
}

func TestTagRefusesALyingHeader(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	push{platforms: linuxThree}.to(t, f)
	f.header.Set("Docker-Content-Digest", digestOf(nil))
	_, err := registry.Tag(t.Context(), repo, "1")
	assert.Check(t, is.ErrorIs(err, ErrDigest))
}

func TestTags(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	tags, err := registry.Tags(t.Context(), repo)
	assert.NilError(t, err)
	assert.Check(t, is.Len(tags, 0))

	f.tagPages = [][]string{{"b", "c"}, {"a"}}
	tags, err = registry.Tags(t.Context(), repo)
	assert.NilError(t, err)
	assert.Check(t, is.DeepEqual(tags, []string{"a", "b", "c"}))

	f.status = http.StatusForbidden
	_, err = registry.Tags(t.Context(), repo)
	assert.Check(t, is.ErrorContains(err, "403"))
}

func TestBasicAuthentication(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	push{platforms: linuxThree}.to(t, f)
	registry.User, registry.Password = "ann", "secret"
	var user, password string
	registry.Client = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		user, password, _ = r.BasicAuth()
		return http.DefaultTransport.RoundTrip(r)
	})}
	_, err := registry.Tag(t.Context(), repo, "1")
	assert.NilError(t, err)
	assert.Check(t, is.Equal(user+":"+password, "ann:secret"))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestReadsAreBounded(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	f.manifests["1"] = stored{ociIndex, bytes.Repeat([]byte(" "), maxManifest+1)}
	_, err := registry.Tag(t.Context(), repo, "1")
	assert.Check(t, is.ErrorIs(err, ErrBound))

	for size, want := range map[int]error{10: nil, 11: ErrBound} {
		raw := make([]byte, size)
		b := newBlob("layer", digestOf(raw), io.NopCloser(bytes.NewReader(raw)), nil, 10)
		_, err := b.finish()
		assert.Check(t, errors.Is(err, want), "%d bytes: %v", size, err)
	}
}
