package manifest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"gotest.tools/v3/assert"
)

func isDelete(req *http.Request) bool { return req.Method == http.MethodDelete }

func TestUntag(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	entries, index := stored(t, s)
	att := s.push(t, "app:att", attestation(t))
	s.engineIndex(t, "app/manifests/engine", entries[0], attestationEntry(s.entry(t, "app", att, nil), entries[0].Digest))
	r, _ := client(t, nil)
	for _, tag := range []string{"1-linux-amd64", "engine"} {
		s.on(nil)
		assert.NilError(t, r.Untag(t.Context(), s.ref(t, "app:"+tag), entries[0].Digest))
		_, status := s.get(t, "app/manifests/"+tag)
		assert.Equal(t, status, http.StatusNotFound)
		assert.Equal(t, s.count("DELETE", "sha256:"), 0, "never by digest")
	}
	in, err := r.Inspect(t.Context(), s.ref(t, "app:1"))
	assert.NilError(t, err)
	assert.Equal(t, in.Descriptor.Digest, index)
}

func TestUntagLeavesOtherContent(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	entries, index := stored(t, s)
	r, _ := client(t, nil)
	for tag, image := range map[string]digest.Digest{
		"1":             entries[0].Digest, // an index of more
		"1-linux-amd64": entries[1].Digest,
		"1-linux-arm64": index,
	} {
		s.on(nil)
		err := r.Untag(t.Context(), s.ref(t, "app:"+tag), image)
		assert.ErrorIs(t, err, ErrOtherContent)
		assert.Equal(t, s.count("DELETE", ""), 0)
	}
	err := r.Untag(t.Context(), s.ref(t, "app:none"), entries[0].Digest)
	assert.ErrorIs(t, err, ErrNotFound)
}

func TestUntagWhereTheRegistryDoesNot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		want   error
	}{
		{http.StatusMethodNotAllowed, "UNSUPPORTED", ErrUnsupported}, // distribution with deleting switched off
		{http.StatusMethodNotAllowed, "", ErrUnsupported},
		{http.StatusBadRequest, "DIGEST_INVALID", ErrUnsupported},
		{http.StatusNotFound, "MANIFEST_UNKNOWN", ErrUnsupported}, // distribution 2.8 looks for a digest
		{http.StatusNotImplemented, "", ErrUnsupported},
		{http.StatusAccepted, "", ErrStale}, // and does nothing
		{http.StatusForbidden, "DENIED", ErrUnauthorized},
		{http.StatusServiceUnavailable, "", ErrUnavailable},
	} {
		t.Run(fmt.Sprint(c.status, c.code), func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			entries, _ := stored(t, s)
			r, _ := client(t, nil)
			s.on(func(w http.ResponseWriter, req *http.Request) bool {
				return isDelete(req) && fail(w, c.status, c.code, "no")
			})
			err := r.Untag(t.Context(), s.ref(t, "app:1-linux-amd64"), entries[0].Digest)
			assert.ErrorIs(t, err, c.want)
			_, status := s.get(t, "app/manifests/1-linux-amd64")
			assert.Equal(t, status, http.StatusOK)
		})
	}
}

// A lost answer, and the next attempt that finds nothing.
func TestUntagAfterALostAnswer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	entries, _ := stored(t, s)
	r, c := client(t, nil)
	first := true
	s.on(func(w http.ResponseWriter, req *http.Request) bool {
		if !isDelete(req) || !first {
			return false
		}
		first = false
		s.real.ServeHTTP(discard{}, req)
		return drop(w)
	})
	assert.NilError(t, r.Untag(t.Context(), s.ref(t, "app:1-linux-amd64"), entries[0].Digest))
	assert.Equal(t, len(c.waits), 1)
}

// A registry that drops the image with its last tag would break the index.
func TestUntagPutsBackAnImageThatWentWithItsTag(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	entries, _ := stored(t, s)
	r, _ := client(t, nil)
	s.on(func(_ http.ResponseWriter, req *http.Request) bool {
		if isDelete(req) {
			other := req.Clone(req.Context())
			other.URL.Path = "/v2/app/manifests/" + entries[0].Digest.String()
			s.real.ServeHTTP(discard{}, other)
		}
		return false
	})
	err := r.Untag(t.Context(), s.ref(t, "app:1-linux-amd64"), entries[0].Digest)
	assert.ErrorIs(t, err, ErrUnsupported)
	assert.ErrorContains(t, err, "put back")
	s.on(nil)
	for _, ref := range []string{entries[0].Digest.String(), "1-linux-amd64"} {
		raw, status := s.get(t, "app/manifests/"+ref)
		assert.Equal(t, status, http.StatusOK)
		assert.Equal(t, digest.FromString(raw), entries[0].Digest)
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	pages := map[string][2]string{
		"":     {`{"tags":["1","2","not a tag","../x"]}`, `</v2/app/tags/list?last=2&n=2>; rel="next"`},
		"2":    {`{"tags":["3"]}`, `<https://elsewhere.example/v2/other/tags/list?last=3>; rel=next`},
		"3":    {`{"tags":["4"]}`, `<::>; rel="next"`},
		"loop": {`{"tags":["1"]}`, `<?last=loop>; rel="next"`},
	}
	s.on(func(w http.ResponseWriter, req *http.Request) bool {
		page, ok := pages[req.URL.Query().Get("last")]
		if !ok || !strings.HasSuffix(req.URL.Path, "/app/tags/list") {
			return false
		}
		w.Header().Set("Link", page[1])
		_, _ = io.WriteString(w, page[0])
		return true
	})
	r, _ := client(t, nil)
	tags, err := r.Tags(t.Context(), s.ref(t, "app:x"))
	assert.NilError(t, err)
	var names []string
	for _, tag := range tags {
		names = append(names, tag.Tag())
	}
	assert.DeepEqual(t, names, []string{"1", "2", "3", "4"})

	pages[""] = [2]string{`{"tags":["1"]}`, `<?last=loop>; rel="next"`}
	_, err = r.Tags(t.Context(), s.ref(t, "app:x"))
	assert.NilError(t, err, "a link to itself is the end")
	pages[""] = [2]string{`[]`, ""}
	_, err = r.Tags(t.Context(), s.ref(t, "app:x"))
	assert.ErrorIs(t, err, ErrInvalid)
	_, err = r.Tags(t.Context(), s.ref(t, "none:x"))
	assert.ErrorIs(t, err, ErrNotFound)
}
