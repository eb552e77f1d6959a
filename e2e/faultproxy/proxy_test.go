package faultproxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gotest.tools/v3/assert"
)

// place is a registry that says how it was asked, and counts how often.
type place struct{ asked atomic.Int32 }

func (p *place) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.asked.Add(1)
	w.Header().Set("Docker-Content-Digest", "true")
	_, _ = io.WriteString(w, strings.Repeat("content ", 10))
	_, _ = io.WriteString(w, r.Method)
}

func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// send gives the status and the body, or the error of the connection.
func send(t *testing.T, method, url string, header ...string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	assert.NilError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func TestSteps(t *testing.T) {
	t.Parallel()
	p := New(&place{}, "1")
	url := serve(t, p)
	for _, request := range []string{
		"GET /v2/", "GET /token", "POST /v2/a/b/blobs/uploads/", "POST /v2/a/b/blobs/uploads/?mount=sha256:1&from=c",
		"PATCH /v2/a/b/blobs/uploads/id", "HEAD /v2/a/b/blobs/sha256:1", "GET /v2/a/b/manifests/sha256:1", "GET /v2/a/b/manifests/1-linux-386",
		"PUT /v2/a/b/manifests/1", "GET /v2/a/b/manifests/1", "GET /v2/a/b/tags/list",
	} {
		method, path, _ := strings.Cut(request, " ")
		_, _, err := send(t, method, url+path)
		assert.NilError(t, err)
	}
	var steps []string
	for _, s := range p.Steps() {
		steps = append(steps, s.String())
	}
	assert.DeepEqual(t, steps, []string{
		"GET ping", "GET token", "POST upload", "POST mount", "PATCH session", "HEAD blob", "GET digest", "GET other",
		"PUT tag", "GET tag after", "GET tags after",
	})
}

func TestARuleBefallsWhatItSays(t *testing.T) {
	t.Parallel()
	p := New(&place{}, "1")
	url := serve(t, p) + "/v2/a/manifests/1"
	p.Break(Rule{At: At(Step{Method: "GET", Kind: "tag"}), Skip: 1, Times: 2, Fault: Status(http.StatusServiceUnavailable)})
	var statuses []int
	for range 4 {
		resp, _, err := send(t, http.MethodGet, url)
		assert.NilError(t, err)
		statuses = append(statuses, resp.StatusCode)
	}
	assert.DeepEqual(t, statuses, []int{200, 503, 503, 200})
	assert.Equal(t, p.Hits(), 2)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("content ", 10) + "GET"
	for name, test := range map[string]struct {
		fault   Fault
		status  int // 0 is a broken connection.
		body    string
		reaches int
	}{
		"status":      {Status(http.StatusForbidden), 403, `{"errors":[{"code":"DENIED","message":"the test's fault"}]}`, 0},
		"hang up":     {HangUp, 0, "", 0},
		"lose answer": {LoseAnswer, 0, "", 1},
		"truncate":    {Truncate, 0, content[:len(content)/2], 1},
		"flip":        {Flip, 200, content[:len(content)/2] + string(content[len(content)/2]^1) + content[len(content)/2+1:], 1},
		"header":      {Header("Docker-Content-Digest", "a lie"), 200, content, 1},
		"stale":       {Stale(), 200, content, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := &place{}
			p := New(registry, "1")
			url := serve(t, p)
			p.Break(Rule{At: func(Step) bool { return true }, Fault: test.fault})
			resp, body, err := send(t, http.MethodGet, url+"/v2/a/manifests/1")
			assert.Equal(t, body, test.body)
			assert.Equal(t, int(registry.asked.Load()), test.reaches)
			if test.status == 0 {
				assert.Assert(t, err != nil, "the connection held")
				return
			}
			assert.NilError(t, err)
			assert.Equal(t, resp.StatusCode, test.status)
			assert.Equal(t, resp.Header.Get("Docker-Content-Digest") == "a lie", name == "header")
		})
	}
}

func TestImmutable(t *testing.T) {
	t.Parallel()
	var tags sync.Map
	p := New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			tags.Store(r.URL.Path, true)
		} else if _, ok := tags.Load(r.URL.Path); !ok {
			w.WriteHeader(http.StatusNotFound)
		}
	}), "1")
	url := serve(t, p)
	p.Break(Rule{At: At(Step{Method: "PUT", Kind: "tag"}), Fault: Immutable(http.StatusConflict, "TAG_INVALID")})
	for _, want := range []int{200, 409} {
		p.mu.Lock()
		p.sent = false
		p.mu.Unlock()
		resp, _, err := send(t, http.MethodPut, url+"/v2/a/manifests/1")
		assert.NilError(t, err)
		assert.Equal(t, resp.StatusCode, want)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	tokens := NewTokens(&place{})
	p := New(tokens, "1")
	url := serve(t, p)
	status := func(method, path string, header ...string) int {
		t.Helper()
		resp, _, err := send(t, method, url+path, header...)
		assert.NilError(t, err)
		return resp.StatusCode
	}
	const path = "/v2/a/b/manifests/sha256:1"
	assert.Equal(t, status("GET", path), 401)
	assert.Equal(t, status("GET", "/token"), 401)

	_, body, err := send(t, "GET", url+"/token?scope=repository:a/b:pull", "Authorization", "Basic "+tokens.Auth())
	assert.NilError(t, err)
	assert.Equal(t, body, `{"token": "token-1", "expires_in": 300}`)

	const bearer = "Bearer token-1"
	assert.Equal(t, status("GET", path, "Authorization", bearer), 200)
	assert.Equal(t, status("PUT", path, "Authorization", bearer), 401, "it is for reading")
	assert.Equal(t, status("GET", "/v2/c/manifests/1", "Authorization", bearer), 401, "it is for another repository")
	p.Break(Rule{At: At(Step{Method: "GET", Kind: "digest"}), Times: 1, Fault: tokens.Expire})
	assert.Equal(t, status("GET", path, "Authorization", bearer), 401)
	assert.Equal(t, status("GET", path, "Authorization", bearer), 401)
}
