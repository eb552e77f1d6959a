package manifest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

func TestCopyKeepsTheDigest(t *testing.T) {
	t.Parallel()
	from, to := newServer(t), newServer(t)
	entries, index := stored(t, from)
	att := from.push(t, "app:att", attestation(t))
	lies := entries[1]
	lies.Platform = &ocispec.Platform{OS: "linux", Architecture: "s390x"}
	nested := from.engineIndex(t, "app/manifests/2", lies, attestationEntry(from.entry(t, "app", att, nil), entries[0].Digest), from.entry(t, "app", index, nil))
	r, _ := client(t, nil)
	for tag, want := range map[string]digest.Digest{"1": index, "2": nested, "att": att, "1-linux-amd64": entries[0].Digest} {
		desc, _, err := r.Copy(t.Context(), from.ref(t, "app:"+tag), to.ref(t, "mirror:"+tag))
		assert.NilError(t, err, tag)
		assert.Equal(t, desc.Digest, want)
		raw, _ := to.get(t, "mirror/manifests/"+tag)
		assert.Equal(t, digest.FromString(raw), want)
	}
}

func TestCopyToAnotherTagSendsOneManifest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	_, index := stored(t, s)
	r, _ := client(t, nil)
	byDigest, err := reference.WithDigest(reference.TrimNamed(s.ref(t, "app:1")), index)
	assert.NilError(t, err)
	s.on(nil)
	_, done, err := r.Copy(t.Context(), byDigest, s.ref(t, "app:2"))
	assert.NilError(t, err)
	assert.DeepEqual(t, done, Transferred{})
	assert.Equal(t, s.count("PUT", ""), 1)
	_, _, err = r.Copy(t.Context(), byDigest, s.ref(t, "app:2"))
	assert.NilError(t, err)
	assert.Equal(t, s.count("PUT", ""), 1, "the tag has it")
}

// The tag comes last, or not at all.
func TestCopyLeavesTheTagAloneUnlessEverythingIsThere(t *testing.T) {
	t.Parallel()
	from := newServer(t)
	entries, _ := stored(t, from)
	for name, c := range map[string]struct {
		hook func(*server, http.ResponseWriter, *http.Request) bool
		want error
	}{
		"a blob is refused": {func(_ *server, w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodPatch && fail(w, http.StatusRequestEntityTooLarge, "", "")
		}, ErrInvalid},
		"an image is refused": {func(_ *server, w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, entries[1].Digest.String()) && fail(w, http.StatusBadRequest, "MANIFEST_INVALID", "")
		}, ErrInvalid},
		"a blob is lost": {func(_ *server, w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodHead && fail(w, http.StatusNotFound, "", "")
		}, ErrNotFound},
		"an image is lost": {func(_ *server, w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, entries[0].Digest.String()) && fail(w, http.StatusNotFound, "", "")
		}, ErrNotFound},
		"the tag can't be moved": {func(_ *server, w http.ResponseWriter, req *http.Request) bool {
			return isTagPut(req) && fail(w, http.StatusConflict, "TAG_INVALID", "immutable")
		}, ErrImmutable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := newServer(t)
			to.put(t, "mirror/manifests/1", ocispec.MediaTypeImageIndex, []byte(old))
			to.on(func(w http.ResponseWriter, req *http.Request) bool { return c.hook(to, w, req) })
			r, _ := client(t, nil)
			_, _, err := r.Copy(t.Context(), from.ref(t, "app:1"), to.ref(t, "mirror:1"))
			assert.ErrorIs(t, err, c.want)
			raw, _ := to.get(t, "mirror/manifests/1")
			assert.Equal(t, raw, old)
		})
	}
}

func TestCopyOfNothing(t *testing.T) {
	t.Parallel()
	from, to := newServer(t), newServer(t)
	r, _ := client(t, nil)
	_, _, err := r.Copy(t.Context(), from.ref(t, "app:1"), to.ref(t, "mirror:1"))
	assert.ErrorIs(t, err, ErrNotFound)
	entries, _ := stored(t, from)
	from.on(func(w http.ResponseWriter, req *http.Request) bool { // an index that lists more than there is
		return strings.HasSuffix(req.URL.Path, entries[1].Digest.String()) && fail(w, http.StatusNotFound, "", "")
	})
	to.on(nil)
	_, _, err = r.Copy(t.Context(), from.ref(t, "app:1"), to.ref(t, "mirror:1"))
	assert.ErrorIs(t, err, ErrNotFound)
	assert.Equal(t, to.count("POST", ""), 0)
}

func TestExpecting(t *testing.T) {
	t.Parallel()
	p := ready(t)
	other := digest.FromString("other")
	for _, before := range []digest.Digest{other, ""} {
		err := p.r.Publish(t.Context(), p.ref(t, "app:1"), p.idx, Expecting(before))
		assert.ErrorIs(t, err, ErrChanged)
		assert.ErrorContains(t, err, digest.FromString(old).String())
		assert.ErrorContains(t, err, "nothing was published")
		assert.Equal(t, p.count("PUT", ""), 0)
	}
	assert.NilError(t, p.r.Publish(t.Context(), p.ref(t, "app:1"), p.idx, Expecting(digest.FromString(old))))
	assert.NilError(t, p.r.Publish(t.Context(), p.ref(t, "app:1"), p.idx, Expecting(other)), "it has what is wanted")
	assert.NilError(t, p.r.Publish(t.Context(), p.ref(t, "app:new"), p.idx, Expecting("")))
}
