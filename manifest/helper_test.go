package manifest

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	"go.uber.org/goleak"
	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// server is a registry in memory that notes what it is asked and whose answers a test can replace.
type server struct {
	*httptest.Server
	real http.Handler

	mu       sync.Mutex
	requests []string // "METHOD path"
	hook     func(http.ResponseWriter, *http.Request) bool

	hooking sync.Mutex // one call of the hook at a time, so that it can count
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := newUnstarted()
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func newUnstarted() *server {
	s := &server{real: registry.New(registry.Logger(log.New(io.Discard, "", 0)))}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, req.Method+" "+req.URL.Path)
	hook := s.hook
	s.mu.Unlock()
	if hook == nil || !s.hooked(hook, w, req) {
		s.real.ServeHTTP(w, req)
	}
}

func (s *server) hooked(hook func(http.ResponseWriter, *http.Request) bool, w http.ResponseWriter, req *http.Request) bool {
	s.hooking.Lock()
	defer s.hooking.Unlock()
	return hook(w, req)
}

// on makes hook answer requests from now on; those for which it returns false go to the registry.
func (s *server) on(hook func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook, s.requests = hook, nil
}

// count tells how many requests began with method and had part in their path, since the last on.
func (s *server) count(method, part string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		m, path, _ := strings.Cut(r, " ")
		if m == method && strings.Contains(path, part) {
			n++
		}
	}
	return n
}

func (s *server) host() string { return s.Listener.Addr().String() }

func (s *server) ref(t *testing.T, rest string) reference.NamedTagged {
	t.Helper()
	ref, err := reference.ParseNamed(s.host() + "/" + rest)
	assert.NilError(t, err)
	return ref.(reference.NamedTagged)
}

// clock stands in for time: sleeping takes none, and is noted.
type clock struct {
	mu    sync.Mutex
	time  time.Time
	waits []time.Duration
	then  func() // called in each sleep
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	c.time = c.time.Add(d)
	c.waits = append(c.waits, d)
	then := c.then
	c.mu.Unlock()
	if then != nil {
		then()
	}
	return ctx.Err()
}

// client makes a Registry whose waits take no time.
func client(t *testing.T, creds Credentials, opts ...Option) (*Registry, *clock) {
	t.Helper()
	r := New(creds, opts...)
	c := &clock{time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	r.now, r.sleep = c.now, c.sleep
	t.Cleanup(func() {
		for _, rt := range []http.RoundTripper{r.base, r.lax} {
			if t, ok := rt.(*http.Transport); ok {
				t.CloseIdleConnections()
			}
		}
	})
	return r, c
}

// image makes an image of two layers for a platform such as "linux/arm/v7".
func image(t *testing.T, platform string, change func(*v1.ConfigFile)) v1.Image {
	t.Helper()
	img, err := random.Image(256, 2)
	assert.NilError(t, err)
	config, err := img.ConfigFile()
	assert.NilError(t, err)
	config = config.DeepCopy()
	parts := append(strings.Split(platform, "/"), "", "")
	config.OS, config.Architecture, config.Variant = parts[0], parts[1], parts[2]
	if change != nil {
		change(config)
	}
	img, err = mutate.ConfigFile(img, config)
	assert.NilError(t, err)
	return img
}

// oci gives img the media types of the OCI image spec.
func oci(img v1.Image) v1.Image {
	return mutate.ConfigMediaType(mutate.MediaType(img, types.OCIManifestSchema1), types.OCIConfigJSON)
}

// push stores img in the registry under a tag and gives its digest.
func (s *server) push(t *testing.T, ref string, img v1.Image) digest.Digest {
	t.Helper()
	n, err := name.ParseReference(s.host()+"/"+ref, name.Insecure)
	assert.NilError(t, err)
	assert.NilError(t, remote.Write(n, img, remote.WithTransport(direct{s.real})))
	h, err := img.Digest()
	assert.NilError(t, err)
	return digest.Digest(h.String())
}

// direct answers requests without a network.
type direct struct{ http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

// put stores raw as a manifest without looking at it more than the registry does.
func (s *server) put(t *testing.T, path, mediaType string, raw []byte) digest.Digest {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/v2/"+path, strings.NewReader(string(raw)))
	req.Header.Set("Content-Type", mediaType)
	w := httptest.NewRecorder()
	s.real.ServeHTTP(w, req)
	assert.Equal(t, w.Code, http.StatusCreated, w.Body.String())
	return digest.FromBytes(raw)
}

// get reads a manifest past the hook.
func (s *server) get(t *testing.T, path string) (string, int) {
	t.Helper()
	w := httptest.NewRecorder()
	s.real.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/"+path, nil))
	return w.Body.String(), w.Code
}

// fail answers with a status and, if code is set, an error of the distribution spec.
func fail(w http.ResponseWriter, status int, code, message string) bool {
	w.WriteHeader(status)
	if code != "" {
		_, _ = io.WriteString(w, `{"errors":[{"code":"`+code+`","message":"`+message+`"}]}`)
	}
	return true
}

// drop closes the connection instead of answering.
func drop(w http.ResponseWriter) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
	return true
}

func isTagPut(req *http.Request) bool {
	return req.Method == http.MethodPut && strings.HasSuffix(req.URL.Path, "/manifests/1")
}

func isTagGet(req *http.Request) bool {
	return req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/manifests/1")
}
