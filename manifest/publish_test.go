package manifest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

// published is a registry with the images of an index, and the index.
type published struct {
	*server
	r      *Registry
	clock  *clock
	idx    Index
	images []digest.Digest
	layer  digest.Digest
}

const old = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`

func ready(t *testing.T) *published {
	t.Helper()
	p := &published{server: newServer(t)}
	p.r, p.clock = client(t, nil)
	var children []Child
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		dgst := p.push(t, "app:1-"+strings.ReplaceAll(platform, "/", "-"), image(t, platform, nil))
		c, err := p.r.Child(t.Context(), p.ref(t, "app:1"), dgst)
		assert.NilError(t, err)
		children, p.images, p.layer = append(children, c), append(p.images, dgst), c.Layers[1].Digest
	}
	idx, err := NewIndex(children, IndexOptions{})
	assert.NilError(t, err)
	p.idx = idx
	p.put(t, "app/manifests/1", ocispec.MediaTypeImageIndex, []byte(old))
	p.on(nil)
	return p
}

func (p *published) publish(t *testing.T) error {
	t.Helper()
	return p.r.Publish(t.Context(), p.ref(t, "app:1"), p.idx)
}

func (p *published) tag(t *testing.T) string {
	t.Helper()
	raw, _ := p.get(t, "app/manifests/1")
	return raw
}

func TestPublish(t *testing.T) {
	t.Parallel()
	p := ready(t)
	assert.NilError(t, p.publish(t))
	assert.Equal(t, p.tag(t), string(p.idx.Raw))
	assert.Equal(t, p.count("PUT", ""), 1)
	for _, dgst := range p.images {
		assert.Equal(t, p.count("GET", dgst.String()), 2, "read back before and after")
	}
	assert.Equal(t, p.count("HEAD", p.layer.String()), 2)
	assert.Equal(t, p.count("GET", p.idx.Descriptor.Digest.String()), 1)
}

func TestPublishSendsNothingIfTheTagHasIt(t *testing.T) {
	t.Parallel()
	p := ready(t)
	assert.NilError(t, p.publish(t))
	p.on(nil)
	assert.NilError(t, p.publish(t))
	assert.Equal(t, p.count("PUT", ""), 0)
	assert.Equal(t, p.count("HEAD", p.layer.String()), 1, "but is complete")
}

// P1: whatever is missing or wrong before the PUT leaves the tag as it was.
func TestPublishLeavesTheTagAloneUnlessEverythingIsThere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer func(*published, http.ResponseWriter, *http.Request) bool
		want   error
	}{
		{"child missing", func(p *published, w http.ResponseWriter, req *http.Request) bool {
			return strings.HasSuffix(req.URL.Path, p.images[1].String()) && fail(w, http.StatusNotFound, "MANIFEST_UNKNOWN", "")
		}, ErrNotFound},
		{"config missing", func(_ *published, w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/") && fail(w, http.StatusNotFound, "BLOB_UNKNOWN", "")
		}, ErrNotFound},
		{"layer missing", func(p *published, w http.ResponseWriter, req *http.Request) bool {
			return strings.HasSuffix(req.URL.Path, p.layer.String()) && fail(w, http.StatusNotFound, "", "")
		}, ErrNotFound},
		{"layer of another size", func(p *published, w http.ResponseWriter, req *http.Request) bool {
			if strings.HasSuffix(req.URL.Path, p.layer.String()) {
				w.Header().Set("Content-Length", "1")
				return true
			}
			return false
		}, ErrDigest},
		{"child damaged", func(p *published, w http.ResponseWriter, req *http.Request) bool {
			if strings.HasSuffix(req.URL.Path, p.images[0].String()) {
				_, _ = io.WriteString(w, "{}")
				return true
			}
			return false
		}, ErrDigest},
		{"registry down", func(_ *published, w http.ResponseWriter, _ *http.Request) bool { return drop(w) }, ErrUnavailable},
		{"tag can't be read", func(_ *published, w http.ResponseWriter, req *http.Request) bool {
			return isTagGet(req) && fail(w, http.StatusServiceUnavailable, "", "")
		}, ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := ready(t)
			p.on(func(w http.ResponseWriter, req *http.Request) bool { return c.answer(p, w, req) })
			assert.ErrorIs(t, p.publish(t), c.want)
			assert.Equal(t, p.count("PUT", ""), 0)
			assert.Equal(t, p.tag(t), old)
		})
	}
}

// P3: an index that calls an arm64 image an amd64 one.
func TestPublishChecksPlatforms(t *testing.T) {
	t.Parallel()
	p := ready(t)
	c, err := p.r.Child(t.Context(), p.ref(t, "app:1"), p.images[1])
	assert.NilError(t, err)
	c.Descriptor.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
	p.idx, err = NewIndex([]Child{c}, IndexOptions{})
	assert.NilError(t, err)
	err = p.publish(t)
	assert.ErrorIs(t, err, ErrPlatform)
	assert.ErrorContains(t, err, "the image is for linux/arm64, the index says linux/amd64")
	assert.Equal(t, p.tag(t), old)
}

func TestPublishRefusesAnIndexThatIsNotItsDescriptor(t *testing.T) {
	t.Parallel()
	p := ready(t)
	p.idx.Raw = append(p.idx.Raw, ' ')
	assert.ErrorIs(t, p.publish(t), ErrInvalid)
	assert.Equal(t, p.count("", ""), 0)
}

func TestPublishWhenTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, arrived := range []bool{true, false} {
		p := ready(t)
		lost := 0
		p.on(func(w http.ResponseWriter, req *http.Request) bool {
			if !isTagPut(req) || lost > 0 {
				return false
			}
			lost++
			if arrived {
				p.real.ServeHTTP(discard{}, req)
			}
			return drop(w)
		})
		assert.NilError(t, p.publish(t))
		assert.Equal(t, p.tag(t), string(p.idx.Raw))
		want := 2
		if arrived {
			want = 1
		}
		assert.Equal(t, p.count("PUT", ""), want)
	}
}

func TestPublishWhenTheAnswerIsLostAndSomeoneElseWasFaster(t *testing.T) {
	t.Parallel()
	p := ready(t)
	p.on(func(w http.ResponseWriter, req *http.Request) bool {
		if !isTagPut(req) {
			return false
		}
		p.put(t, "app/manifests/1", ocispec.MediaTypeImageIndex, []byte(strings.Replace(old, ":2", ": 2", 1)))
		return drop(w)
	})
	assert.ErrorIs(t, p.publish(t), ErrChanged)
	assert.Equal(t, p.count("PUT", ""), 1, "theirs is not overwritten")
}

func TestPublishTriesAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
	}{
		{429, "TOOMANYREQUESTS"},
		{408, ""},
		{425, ""},
		{500, ""},
		{502, ""},
		{503, "UNAVAILABLE"},
		{504, ""},
		{522, ""},
		{400, "MANIFEST_BLOB_UNKNOWN"},
		{404, "MANIFEST_BLOB_UNKNOWN"},
		{404, "BLOB_UPLOAD_UNKNOWN"},
		{400, "BLOB_UPLOAD_INVALID"},
	} {
		p := ready(t)
		left := 5
		p.on(func(w http.ResponseWriter, req *http.Request) bool {
			if !isTagPut(req) || left == 0 {
				return false
			}
			left--
			return fail(w, c.status, c.code, "later")
		})
		assert.NilError(t, p.publish(t), "%d %s", c.status, c.code)
		assert.Equal(t, len(p.clock.waits), 5)
		assert.Equal(t, p.tag(t), string(p.idx.Raw))
	}
}

func TestPublishGivesUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		want   error
		puts   int
	}{
		{503, "", ErrUnavailable, 6},
		{429, "", ErrUnavailable, 6},
		{400, "MANIFEST_BLOB_UNKNOWN", ErrInvalid, 6},
		{400, "MANIFEST_INVALID", ErrInvalid, 1},
		{413, "", ErrInvalid, 1},
		{415, "", ErrInvalid, 1},
		{404, "NAME_UNKNOWN", ErrNotFound, 1},
		{405, "UNSUPPORTED", ErrDenied, 1},
		{401, "UNAUTHORIZED", ErrUnauthorized, 2}, // one of them with a renewed login
		{403, "DENIED", ErrUnauthorized, 1},       // nobody is logged in
		{409, "", ErrImmutable, 1},
		{412, "PRECONDITION", ErrImmutable, 1},
		{400, "TAG_INVALID", ErrImmutable, 1},
		{307, "", ErrUnavailable, 1},
	} {
		p := ready(t)
		p.on(func(w http.ResponseWriter, req *http.Request) bool {
			if !isTagPut(req) {
				return false
			}
			w.Header().Set("Location", "/v2/app/manifests/2")
			return fail(w, c.status, c.code, "no")
		})
		err := p.publish(t)
		assert.ErrorIs(t, err, c.want, "%d %s", c.status, c.code)
		assert.Equal(t, p.count("PUT", ""), c.puts, "%d %s", c.status, c.code)
		assert.Equal(t, p.tag(t), old)
		var e *Error
		assert.Assert(t, errors.As(err, &e))
		assert.Equal(t, e.Host, p.host())
		assert.Equal(t, e.Op, "publishing")
	}
}

// answers makes the tag answer with old for n reads after the PUT, and with other after that if it isn't empty.
func (p *published) stale(n int, other string) {
	sent := false
	p.on(func(w http.ResponseWriter, req *http.Request) bool {
		sent = sent || isTagPut(req)
		if !sent || !isTagGet(req) || n == 0 && other == "" {
			return false
		}
		raw := old
		if n == 0 {
			raw = other
		} else {
			n--
		}
		w.Header().Set("Content-Type", ocispec.MediaTypeImageIndex)
		w.Header().Set("Docker-Content-Digest", p.idx.Descriptor.Digest.String())
		_, _ = io.WriteString(w, raw)
		return true
	})
}

func TestPublishWaitsForAStaleTag(t *testing.T) {
	t.Parallel()
	p := ready(t)
	p.stale(20, "")
	assert.NilError(t, p.publish(t))
	assert.Equal(t, len(p.clock.waits), 20)
}

func TestPublishReportsATagThatStaysStale(t *testing.T) {
	t.Parallel()
	p := ready(t)
	p.stale(1000, "")
	start := p.clock.now()
	assert.ErrorIs(t, p.publish(t), ErrStale)
	assert.Equal(t, p.clock.now().Sub(start), staleLimit)
	assert.Equal(t, p.count("PUT", ""), 1)
}

func TestPublishReportsAChangedTag(t *testing.T) {
	t.Parallel()
	p := ready(t)
	other := strings.Replace(old, "[]", "[ ]", 1)
	p.stale(1, other)
	err := p.publish(t)
	assert.ErrorIs(t, err, ErrChanged)
	var changed *ChangedError
	assert.Assert(t, errors.As(err, &changed))
	assert.Equal(t, changed.Published, p.idx.Descriptor.Digest)
	assert.Equal(t, changed.Found, digest.FromString(other))
}

// A part that is lost right after the PUT, as when a garbage collection runs at the same time.
func TestPublishProvesCompletenessAfterwards(t *testing.T) {
	t.Parallel()
	p := ready(t)
	sent := false
	p.on(func(w http.ResponseWriter, req *http.Request) bool {
		sent = sent || isTagPut(req)
		return sent && strings.HasSuffix(req.URL.Path, p.layer.String()) && fail(w, http.StatusNotFound, "", "")
	})
	assert.ErrorIs(t, p.publish(t), ErrNotFound)
}

func TestPublishToANewTag(t *testing.T) {
	t.Parallel()
	p := ready(t)
	assert.NilError(t, p.r.Publish(t.Context(), p.ref(t, "app:new"), p.idx))
	raw, _ := p.get(t, "app/manifests/new")
	assert.Equal(t, raw, string(p.idx.Raw))
}

func TestPublishSendsNothingAfterCancel(t *testing.T) {
	t.Parallel()
	p := ready(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.clock.then = cancel
	p.on(func(w http.ResponseWriter, req *http.Request) bool {
		return isTagPut(req) && fail(w, http.StatusServiceUnavailable, "", "")
	})
	err := p.r.Publish(ctx, p.ref(t, "app:1"), p.idx)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Error(t, err, "publishing "+p.host()+"/app:1: context canceled")
	assert.Equal(t, p.count("PUT", ""), 1)

	p.on(nil)
	assert.ErrorIs(t, p.r.Publish(ctx, p.ref(t, "app:1"), p.idx), context.Canceled)
	assert.Equal(t, p.count("", ""), 0)
}

func TestPublishStopsAtOnceWhileTheRegistryHangs(t *testing.T) {
	t.Parallel()
	p := ready(t)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	p.on(func(_ http.ResponseWriter, req *http.Request) bool {
		if !isTagPut(req) {
			return false
		}
		_, _ = io.Copy(io.Discard, req.Body)
		cancel()
		<-req.Context().Done()
		close(gone)
		return true
	})
	start := time.Now()
	err := p.r.Publish(ctx, p.ref(t, "app:1"), p.idx)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Assert(t, !errors.Is(err, ErrUnavailable), "nothing is wrong with the registry")
	assert.Assert(t, time.Since(start) < 5*time.Second)
	<-gone
	assert.Equal(t, p.tag(t), old)
}

// discard is a ResponseWriter whose answer nobody gets.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// From the PUT on a failure says that the tag may have moved; before, never.
func TestPublishSaysWhenTheTagMayHaveMoved(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		hook     func(p *published, w http.ResponseWriter, req *http.Request, put *bool) bool
		unproven bool
		class    error
	}{
		"the parts can't be read back": {func(_ *published, w http.ResponseWriter, req *http.Request, put *bool) bool {
			return *put && req.Method == http.MethodGet && fail(w, http.StatusServiceUnavailable, "", "")
		}, true, ErrUnavailable},
		"the tag can't be read back": {func(_ *published, w http.ResponseWriter, req *http.Request, put *bool) bool {
			return *put && isTagGet(req) && fail(w, http.StatusForbidden, "DENIED", "no")
		}, true, ErrUnauthorized},
		"the answer is lost, and the tag can't be read": {func(p *published, w http.ResponseWriter, req *http.Request, put *bool) bool {
			if isTagPut(req) {
				p.real.ServeHTTP(httptest.NewRecorder(), req)
				return drop(w)
			}
			return *put && isTagGet(req) && drop(w)
		}, true, ErrUnavailable},
		"the answer is lost, and the tag has what it had": {func(_ *published, w http.ResponseWriter, req *http.Request, _ *bool) bool {
			return isTagPut(req) && drop(w)
		}, false, ErrUnavailable},
		"the parts are not there before": {func(_ *published, w http.ResponseWriter, req *http.Request, put *bool) bool {
			return !*put && req.Method == http.MethodHead && fail(w, http.StatusServiceUnavailable, "", "")
		}, false, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := ready(t)
			put := false
			p.on(func(w http.ResponseWriter, req *http.Request) bool {
				put = put || isTagPut(req)
				return test.hook(p, w, req, &put)
			})
			err := p.publish(t)
			assert.ErrorIs(t, err, test.class)
			assert.Equal(t, errors.Is(err, ErrUnproven), test.unproven, "%v", err)
			if test.unproven {
				assert.ErrorContains(t, err, "publishing "+p.host()+"/app:1: written, but not proven: ")
			}
		})
	}
}
