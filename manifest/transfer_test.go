package manifest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/credential"
)

// stored is an index of two images in repository app of a registry.
func stored(t *testing.T, s *server) (entries []ocispec.Descriptor, index digest.Digest) {
	t.Helper()
	for _, p := range []string{"linux/amd64", "linux/arm64"} {
		dgst := s.push(t, "app:1-"+strings.ReplaceAll(p, "/", "-"), image(t, p, nil))
		platform, err := v1.ParsePlatform(p)
		assert.NilError(t, err)
		entries = append(entries, s.entry(t, "app", dgst, &ocispec.Platform{OS: platform.OS, Architecture: platform.Architecture}))
	}
	return entries, s.engineIndex(t, "app/manifests/1", entries...)
}

// mounting makes the registry take blobs over, which the one in memory can by having one store for all repositories.
func mounting() func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost && req.URL.Query().Get("mount") != "" {
			w.WriteHeader(http.StatusCreated)
			return true
		}
		return hidden()(w, req)
	}
}

// hidden keeps the one store of the registry in memory from showing blobs of one repository in another.
func hidden() func(http.ResponseWriter, *http.Request) bool {
	uploaded := map[string]bool{}
	return func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/mirror/blobs/uploads/") {
			uploaded[req.URL.Query().Get("digest")] = true
		}
		if req.Method == http.MethodHead && strings.Contains(req.URL.Path, "/mirror/blobs/") {
			dgst := req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]
			return !uploaded[dgst] && fail(w, http.StatusNotFound, "", "")
		}
		return false
	}
}

func TestTransferToAnotherRegistry(t *testing.T) {
	t.Parallel()
	from, to := newServer(t), newServer(t)
	entries, index := stored(t, from)
	r, _ := client(t, nil)
	done, err := r.Transfer(t.Context(), from.ref(t, "app:1"), to.ref(t, "mirror:1"), entries[1:])
	assert.NilError(t, err)
	assert.Equal(t, done.Sent, 3)
	assert.Assert(t, done.Bytes > 0)
	_, status := to.get(t, "mirror/manifests/"+entries[1].Digest.String())
	assert.Equal(t, status, http.StatusOK)
	_, status = to.get(t, "mirror/manifests/"+entries[0].Digest.String())
	assert.Equal(t, status, http.StatusNotFound, "only what was asked for")
	_, status = to.get(t, "mirror/manifests/1")
	assert.Equal(t, status, http.StatusNotFound, "no tag")

	to.on(nil)
	desc := from.entry(t, "app", index, nil)
	done, err = r.Transfer(t.Context(), from.ref(t, "app:1"), to.ref(t, "mirror:1"), []ocispec.Descriptor{desc})
	assert.NilError(t, err)
	assert.Equal(t, done.Present, 3)
	assert.Equal(t, done.Sent, 3)
	assert.Equal(t, to.count("PUT", "/manifests/"), 2, "the other image and the index; what was there is not sent")
	raw, _ := to.get(t, "mirror/manifests/"+index.String())
	assert.Equal(t, digest.FromString(raw), index)
}

func TestTransferWithinARegistryMounts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	entries, _ := stored(t, s)
	r, _ := client(t, nil)
	s.on(mounting())
	done, err := r.Transfer(t.Context(), s.ref(t, "app:1"), s.ref(t, "mirror:1"), entries)
	assert.NilError(t, err)
	assert.DeepEqual(t, done, Transferred{Mounted: 6})
	assert.Equal(t, s.count("PATCH", ""), 0)
}

// A registry that doesn't mount, in each way it may say so.
func TestTransferWithoutMount(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(http.ResponseWriter) bool{
		"begins an upload":  nil,
		"denies":            func(w http.ResponseWriter) bool { return fail(w, http.StatusForbidden, "DENIED", "") },
		"wants a login":     func(w http.ResponseWriter) bool { return fail(w, http.StatusUnauthorized, "", "") },
		"doesn't find":      func(w http.ResponseWriter) bool { return fail(w, http.StatusNotFound, "NAME_UNKNOWN", "") },
		"doesn't like it":   func(w http.ResponseWriter) bool { return fail(w, http.StatusBadRequest, "", "") },
		"breaks":            func(w http.ResponseWriter) bool { return fail(w, http.StatusInternalServerError, "", "") },
		"drops the request": drop,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			entries, _ := stored(t, s)
			r, _ := client(t, nil)
			hide := hidden()
			s.on(func(w http.ResponseWriter, req *http.Request) bool {
				if req.URL.Query().Get("mount") != "" && answer != nil {
					return answer(w)
				}
				return hide(w, req)
			})
			done, err := r.Transfer(t.Context(), s.ref(t, "app:1"), s.ref(t, "mirror:1"), entries[:1])
			assert.NilError(t, err)
			assert.Equal(t, done.Sent, 3)
		})
	}
}

func TestTransferWithinARepositoryIsNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	entries, _ := stored(t, s)
	r, _ := client(t, nil)
	s.on(nil)
	done, err := r.Transfer(t.Context(), s.ref(t, "app:1"), s.ref(t, "app:2"), entries)
	assert.NilError(t, err)
	assert.DeepEqual(t, done, Transferred{})
	assert.Equal(t, s.count("GET", ""), 0)
}

func TestTransferMountsWithATokenForBothRepositories(t *testing.T) {
	t.Parallel()
	ts := newTokenServer(t, 0)
	var scopes []string
	hook := ts.hook
	ts.on(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path == "/token" {
			scopes = req.URL.Query()["scope"]
		}
		return hook(w, req)
	})
	r, _ := client(t, user().lookup)
	tr := r.newTransfer(ts.ref(t, "app:1"), ts.ref(t, "mirror:1"))
	assert.Assert(t, !tr.mounting.mount(t.Context(), ocispec.Descriptor{Digest: digest.FromString("x")}))
	assert.DeepEqual(t, scopes, []string{"repository:mirror:pull,push", "repository:app:pull"})
}

// What the source sends wrong must not be in the target, not even for a moment.
func TestTransferVerifiesWhatPasses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
		want   error
		tries  int
	}{
		{"a byte flipped", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, ErrDigest, 1},
		{"too long", func(b []byte) []byte { return append(b, b...) }, ErrDigest, 1},
		{"too short", func(b []byte) []byte { return b[:len(b)-1] }, ErrDigest, 1},
		{"empty", func([]byte) []byte { return nil }, ErrDigest, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			from, to := newServer(t), newServer(t)
			entries, _ := stored(t, from)
			r, clock := client(t, nil)
			from.on(func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method != http.MethodGet || !strings.Contains(req.URL.Path, "/blobs/") {
					return false
				}
				raw, _ := from.get(t, strings.TrimPrefix(req.URL.Path, "/v2/"))
				_, _ = w.Write(c.change([]byte(raw)))
				return true
			})
			_, err := r.Transfer(t.Context(), from.ref(t, "app:1"), to.ref(t, "mirror:1"), entries[:1])
			assert.ErrorIs(t, err, c.want)
			assert.ErrorContains(t, err, "copying "+to.host()+"/mirror@sha256:")
			assert.Equal(t, len(clock.waits), 0)
			assert.Equal(t, to.count("PUT", ""), 0, "nothing was completed")
		})
	}
}

func TestTransferTriesAgain(t *testing.T) {
	t.Parallel()
	for name, hooks := range map[string][2]func(w http.ResponseWriter, req *http.Request) bool{
		"the source breaks off": {func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/") {
				w.Header().Set("Content-Length", "100000")
				_, _ = io.WriteString(w, "half")
				w.(http.Flusher).Flush()
				return drop(w)
			}
			return false
		}, nil},
		"the source is busy": {func(w http.ResponseWriter, req *http.Request) bool {
			return strings.Contains(req.URL.Path, "/blobs/") && fail(w, http.StatusTooManyRequests, "", "")
		}, nil},
		"no upload begins": {nil, func(w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodPost && fail(w, http.StatusServiceUnavailable, "", "")
		}},
		"the upload breaks": {nil, func(w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodPatch && drop(w)
		}},
		"the upload fails": {nil, func(w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodPatch && fail(w, http.StatusBadGateway, "", "")
		}},
		"the registry forgets the upload": {nil, func(w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodPatch && fail(w, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "")
		}},
		"the registry takes the upload for another's": {nil, func(w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/blobs/") && fail(w, http.StatusBadRequest, "BLOB_UPLOAD_INVALID", "")
		}},
		"completing breaks": {nil, func(w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/blobs/") && drop(w)
		}},
		"the manifest is refused for a blob that is not seen yet": {nil, func(w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/manifests/") && fail(w, http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", "")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := newServer(t), newServer(t)
			entries, _ := stored(t, from)
			r, clock := client(t, nil)
			for i, s := range []*server{from, to} {
				if hook := hooks[i]; hook != nil {
					faults := 2
					s.on(func(w http.ResponseWriter, req *http.Request) bool {
						if faults > 0 && hook(w, req) {
							faults--
							return true
						}
						return false
					})
				}
			}
			_, err := r.Transfer(t.Context(), from.ref(t, "app:1"), to.ref(t, "mirror:1"), entries[:1])
			assert.NilError(t, err)
			assert.Assert(t, len(clock.waits) > 0)
			_, status := to.get(t, "mirror/manifests/"+entries[0].Digest.String())
			assert.Equal(t, status, http.StatusOK)
		})
	}
}

// An upload whose login has expired begins anew, once; where nothing but its end is missing, that is sent again.
func TestAnUploadWhoseLoginExpires(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method  string
		times   int
		want    error
		patches int
	}{
		"while the blob is sent":   {http.MethodPatch, 1, nil, 2},
		"whenever it is sent":      {http.MethodPatch, 9, ErrUnauthorized, 2},
		"before it is complete":    {http.MethodPut, 1, nil, 1},
		"whenever it is completed": {http.MethodPut, 9, ErrUnauthorized, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := newServer(t), newServer(t)
			entries, _ := stored(t, from)
			r, _ := client(t, nil)
			tr := r.newTransfer(from.ref(t, "app:1"), to.ref(t, "mirror:1"))
			content, err := tr.source.tree(t.Context(), entries[:1], false)
			assert.NilError(t, err)
			to.on(func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method != c.method || c.times == 0 || !strings.Contains(req.URL.Path, "/blobs/uploads/") {
					return false
				}
				c.times--
				return fail(w, http.StatusUnauthorized, "", "")
			})
			assert.ErrorIs(t, tr.blob(t.Context(), content.blobs.all[0]), c.want)
			assert.Equal(t, to.count(http.MethodPatch, ""), c.patches)
		})
	}
}

func TestTransferFailures(t *testing.T) {
	t.Parallel()
	from, to := newServer(t), newServer(t)
	entries, _ := stored(t, from)
	wrongSize, gone := entries[0], entries[0]
	wrongSize.Size++
	gone.Digest = digest.FromString("gone")
	self := from.engineIndex(t, "app/manifests/deep", entries...)
	for range maxDepth {
		self = from.engineIndex(t, "app/manifests/deep", from.entry(t, "app", self, nil))
	}
	deny := func(w http.ResponseWriter, req *http.Request) bool {
		return req.Method == http.MethodPost && fail(w, http.StatusForbidden, "DENIED", "no")
	}
	nowhere := func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost {
			w.WriteHeader(http.StatusAccepted)
			return true
		}
		return false
	}
	for _, c := range []struct {
		name string
		desc ocispec.Descriptor
		hook func(http.ResponseWriter, *http.Request) bool
		want error
	}{
		{"an image that is gone", gone, nil, ErrNotFound},
		{"another size than listed", wrongSize, nil, ErrDigest},
		{"indexes without end", from.entry(t, "app", self, nil), nil, ErrInvalid},
		{"no permission", entries[0], deny, ErrUnauthorized},
		{"an upload without location", entries[0], nowhere, ErrInvalid},
	} {
		to.on(c.hook)
		r, _ := client(t, nil)
		_, err := r.Transfer(t.Context(), from.ref(t, "app:1"), to.ref(t, "mirror:1"), []ocispec.Descriptor{c.desc})
		assert.ErrorIs(t, err, c.want, c.name)
		var e *Error
		assert.Assert(t, errors.As(err, &e), c.name)
		assert.Equal(t, to.count("PUT", ""), 0, c.name)
	}
}

// Layers of Windows base images are not in the registry.
func TestTransferLeavesForeignLayers(t *testing.T) {
	t.Parallel()
	from, to := newServer(t), newServer(t)
	img, err := mutate.AppendLayers(image(t, "windows/amd64", nil), static.NewLayer([]byte("x"), ggcr.DockerForeignLayer))
	assert.NilError(t, err)
	dgst := from.push(t, "app:w", img)
	r, _ := client(t, nil)
	done, err := r.Transfer(t.Context(), from.ref(t, "app:w"), to.ref(t, "mirror:1"), []ocispec.Descriptor{from.entry(t, "app", dgst, nil)})
	assert.NilError(t, err)
	assert.Equal(t, done.Sent, 3)
}

// A location on another host gets the bytes, but no login.
func TestNoLoginForTheLocationOfAnUpload(t *testing.T) {
	t.Parallel()
	var authorized []string
	r, _ := client(t, user().lookup, WithTransport(transportFunc(func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("Authorization") != "" {
			authorized = append(authorized, req.URL.Host)
		}
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		resp := respond(req, 200, strings.NewReader("x"))
		switch {
		case req.URL.Path == "/v2/":
			resp.StatusCode = 401
			resp.Header.Set("WWW-Authenticate", `Basic realm="r"`)
		case req.Method == http.MethodPost:
			resp.StatusCode = 202
			resp.Header.Set("Location", "https://storage.example/up?state=1")
		case req.Method == http.MethodPut:
			resp.StatusCode = 201
			assert.Check(t, req.URL.Host == "storage.example" && req.URL.Query().Get("state") == "1" && req.URL.Query().Get("digest") != "", "%s", req.URL)
		}
		return resp, nil
	})))
	from, to := mustRef(t, "src.example/app:1"), mustRef(t, "dst.example/app:1")
	d := ocispec.Descriptor{Digest: digest.FromString("x"), Size: 1}
	assert.NilError(t, r.repository(to, true).relay(t.Context(), r.repository(from, false), d))
	for _, host := range authorized {
		assert.Assert(t, host != "storage.example")
	}
	assert.Assert(t, len(authorized) > 0)
}

func mustRef(t *testing.T, text string) reference.NamedTagged {
	t.Helper()
	ref, err := reference.ParseNamed(text)
	assert.NilError(t, err)
	return ref.(reference.NamedTagged)
}

// zeros is a large source that counts how much of it is held at once.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

func TestALargeBlobPassesInPieces(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	h := digest.Canonical.Digester()
	_, err := io.Copy(h.Hash(), &zeros{size})
	assert.NilError(t, err)
	largest, sent := 0, int64(0)
	r, _ := client(t, nil, WithTransport(transportFunc(func(req *http.Request) (*http.Response, error) {
		switch {
		case req.Method == http.MethodGet && req.URL.Host == "src.example" && strings.Contains(req.URL.Path, "/blobs/"):
			return respond(req, 200, &zeros{size}), nil
		case req.Method == http.MethodPatch:
			assert.Check(t, req.ContentLength == size)
			sent, err = io.Copy(writerFunc(func(p []byte) (int, error) {
				largest = max(largest, len(p))
				return len(p), nil
			}), struct{ io.Reader }{req.Body})
			assert.Check(t, err == nil)
		}
		resp := respond(req, 200, bytes.NewReader(nil))
		resp.Header.Set("Location", "/v2/up")
		return resp, nil
	})))
	d := ocispec.Descriptor{Digest: h.Digest(), Size: size}
	assert.NilError(t, r.repository(mustRef(t, "dst.example/app:1"), true).relay(t.Context(), r.repository(mustRef(t, "src.example/app:1"), false), d))
	assert.Equal(t, sent, int64(size))
	assert.Assert(t, largest <= 1<<20)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A blob may take hours as long as it moves; one that stands still for two minutes is given up.
func TestSilenceOfABlob(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pause time.Duration
		fails bool
	}{"slow": {100 * time.Second, false}, "still": {3 * time.Minute, true}} {
		synctest.Test(t, func(t *testing.T) {
			text := strings.Repeat("x", 50)
			r := New(nil, WithTransport(transportFunc(func(req *http.Request) (*http.Response, error) {
				resp := respond(req, 200, strings.NewReader(""))
				resp.Header.Set("Location", "/v2/up")
				switch {
				case req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/"):
					left := strings.NewReader(text)
					resp.Body = io.NopCloser(readerFunc(func(p []byte) (int, error) {
						select {
						case <-time.After(c.pause):
							return left.Read(p[:1])
						case <-req.Context().Done():
							return 0, req.Context().Err()
						}
					}))
				case req.Method == http.MethodPatch:
					if _, err := io.Copy(io.Discard, req.Body); err != nil {
						return nil, err
					}
				}
				return resp, nil
			})))
			d := ocispec.Descriptor{Digest: digest.FromString(text), Size: int64(len(text))}
			err := r.repository(mustRef(t, "dst.example/app:1"), true).relay(t.Context(), r.repository(mustRef(t, "src.example/app:1"), false), d)
			assert.Equal(t, err != nil, c.fails, "%s: %v", name, err)
			if c.fails {
				assert.ErrorIs(t, err, errSilent)
				assert.ErrorIs(t, err, ErrUnavailable)
				assert.Assert(t, !errors.Is(err, context.Canceled))
			}
		})
	}
}

func TestTransferEndsWithItsContext(t *testing.T) {
	t.Parallel()
	from, to := newServer(t), newServer(t)
	entries, _ := stored(t, from)
	ctx, cancel := context.WithCancel(t.Context())
	to.on(func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost {
			cancel()
		}
		return false
	})
	r, _ := client(t, func(context.Context, string) (credential.Login, error) { return credential.Login{}, nil })
	_, err := r.Transfer(ctx, from.ref(t, "app:1"), to.ref(t, "mirror:1"), entries)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestABlobOfNoBytes(t *testing.T) {
	t.Parallel()
	s := newStream(strings.NewReader(""), ocispec.Descriptor{Digest: digest.FromString("")}, func() {})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://r.example", strings.NewReader("y"))
	assert.NilError(t, err)
	s.become(req)
	assert.Equal(t, req.Body, http.NoBody)
	assert.NilError(t, s.finish())
	assert.Equal(t, strconv.Itoa(int(s.n)), "0")
}
