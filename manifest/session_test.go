package manifest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/credential"
)

// canary is a password that must go nowhere but to its registry.
const canary = "c4n4ry"

// login is a store of one login for any host, that notes what it is asked for.
type login struct {
	mu     sync.Mutex
	config types.AuthConfig
	err    error
	hosts  []string
}

func (l *login) lookup(_ context.Context, host string) (credential.Login, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hosts = append(l.hosts, host)
	return credential.New(l.config), l.err
}

func user() *login { return &login{config: types.AuthConfig{Username: "u", Password: canary}} }

// tokenServer makes s want tokens, which it gives out itself to user u; each is good for life requests (0: forever).
type tokenServer struct {
	*server
	life   int
	given  int
	used   int
	scopes []string
}

func newTokenServer(t *testing.T, life int) *tokenServer {
	t.Helper()
	ts := &tokenServer{server: newServer(t), life: life}
	ts.on(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path == "/token" {
			return ts.token(w, req)
		}
		if req.Header.Get("Authorization") == fmt.Sprintf("Bearer t%d", ts.given) && (life == 0 || ts.used < life) {
			ts.used++
			return false
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+ts.URL+`/token",service="s"`)
		return fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	})
	return ts
}

func (ts *tokenServer) token(w http.ResponseWriter, req *http.Request) bool {
	name, password, _ := req.BasicAuth()
	if req.Method == http.MethodPost {
		name, password = "u", req.PostFormValue("refresh_token")
	}
	if name != "u" || password != canary {
		return fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password")
	}
	ts.given, ts.used = ts.given+1, 0
	ts.scopes = append(ts.scopes, req.FormValue("scope"))
	_, _ = fmt.Fprintf(w, `{"token":"t%d"}`, ts.given)
	return true
}

func TestOneTokenForARepositoryAndAccess(t *testing.T) {
	t.Parallel()
	ts := newTokenServer(t, 0)
	dgst := ts.put(t, "app/manifests/1", ocispec.MediaTypeImageIndex, []byte(old))
	creds := user()
	r, _ := client(t, creds.lookup)
	for range 3 {
		desc, _, err := r.Resolve(t.Context(), ts.ref(t, "app:1"))
		assert.NilError(t, err)
		assert.Equal(t, desc.Digest, dgst)
	}
	assert.NilError(t, r.Publish(t.Context(), ts.ref(t, "app:1"), Index{Descriptor: describeRaw(ocispec.MediaTypeImageIndex, []byte(old)), Raw: []byte(old)}))
	assert.DeepEqual(t, ts.scopes, []string{"repository:app:pull", "repository:app:pull,push"})
	assert.DeepEqual(t, creds.hosts, []string{ts.host(), ts.host()})
	_, _, err := r.Resolve(t.Context(), ts.ref(t, "other:1"))
	assert.ErrorIs(t, err, ErrNotFound)
	assert.Equal(t, ts.scopes[2], "repository:other:pull", "a token opens no other repository")
}

func TestIdentityToken(t *testing.T) {
	t.Parallel()
	ts := newTokenServer(t, 0)
	ts.put(t, "app/manifests/1", ocispec.MediaTypeImageIndex, []byte(old))
	r, _ := client(t, (&login{config: types.AuthConfig{IdentityToken: canary}}).lookup)
	_, _, err := r.Resolve(t.Context(), ts.ref(t, "app:1"))
	assert.NilError(t, err)
	r, _ = client(t, (&login{config: types.AuthConfig{RegistryToken: "t1"}}).lookup)
	_, _, err = r.Resolve(t.Context(), ts.ref(t, "app:1"))
	assert.NilError(t, err)
}

// Builds outlive tokens: the login is renewed, with credentials that are read again, and a PUT is sent again in full.
func TestATokenThatExpired(t *testing.T) {
	t.Parallel()
	p := ready(t)
	ts := newTokenServer(t, 1)
	ts.real = p.real
	creds := user()
	r, c := client(t, creds.lookup)
	assert.NilError(t, r.Publish(t.Context(), ts.ref(t, "app:1"), Index{Descriptor: describeRaw(ocispec.MediaTypeImageIndex, []byte(old)), Raw: []byte(old)}))
	ts.life = 1
	for range 2 {
		_, _, err := r.Resolve(t.Context(), ts.ref(t, "app:1"))
		assert.NilError(t, err)
	}
	assert.NilError(t, r.Publish(t.Context(), ts.ref(t, "app:new"), Index{Descriptor: describeRaw(ocispec.MediaTypeImageIndex, []byte(old)), Raw: []byte(old)}))
	raw, _ := p.get(t, "app/manifests/new")
	assert.Equal(t, raw, old)
	assert.Equal(t, len(c.waits), 0)
	assert.Assert(t, len(creds.hosts) > 3)
}

// The token is good when another request comes first with it, and no more when the one does that it was made for.
func TestATokenThatExpiredBeforeItsFirstRequestCame(t *testing.T) {
	t.Parallel()
	ts := newTokenServer(t, 1)
	ts.put(t, "app/manifests/1", ocispec.MediaTypeImageIndex, []byte(old))
	r, _ := client(t, user().lookup)
	rep := r.repository(ts.ref(t, "app:1"), false)
	read := func(s *session) error {
		_, err := s.exchange(t.Context(), rep.name, request{method: http.MethodGet, kind: "manifests", reference: "1"})
		return err
	}
	another := sync.OnceFunc(func() { assert.NilError(t, rep.loggedIn(t.Context(), read)) })
	assert.NilError(t, rep.loggedIn(t.Context(), func(s *session) error {
		another()
		return read(s)
	}))
}

func TestWrongCredentialsAreTriedOnce(t *testing.T) {
	t.Parallel()
	ts := newTokenServer(t, 0)
	wrong := user()
	wrong.config.Password = "wrong" + canary
	r, c := client(t, wrong.lookup)
	_, _, err := r.Resolve(t.Context(), ts.ref(t, "app:1"))
	assert.ErrorIs(t, err, ErrUnauthorized)
	assert.Error(t, err, "reading "+ts.host()+"/app:1: unauthorized: incorrect username or password")
	assert.Assert(t, !strings.Contains(fmt.Sprintf("%+v", err), canary))
	assert.Equal(t, ts.count("GET", "/token"), 1)
	assert.Equal(t, len(c.waits), 0)
}

func TestBasicLogin(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.put(t, "app/manifests/1", ocispec.MediaTypeImageIndex, []byte(old))
	s.on(func(w http.ResponseWriter, req *http.Request) bool {
		if name, password, _ := req.BasicAuth(); name == "u" && password == canary {
			return false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
		return fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	})
	for name, creds := range map[string]Credentials{"password": user().lookup, "auth": (&login{config: types.AuthConfig{Auth: "dTpjNG40cnk="}}).lookup} {
		r, _ := client(t, creds)
		_, _, err := r.Resolve(t.Context(), s.ref(t, "app:1"))
		assert.NilError(t, err, name)
	}
	s.on(s.hook)
	for name, creds := range map[string]Credentials{"nobody": nil, "no entry": (&login{}).lookup, "wrong": (&login{config: types.AuthConfig{Username: "x", Password: "y"}}).lookup} {
		r, _ := client(t, creds)
		_, _, err := r.Resolve(t.Context(), s.ref(t, "app:1"))
		assert.ErrorIs(t, err, ErrUnauthorized, name)
		assert.Equal(t, s.count("GET", "/manifests/"), 1, "%s: a login made just now is not renewed", name)
		s.on(s.hook)
	}
}

func TestDeniedAndUnauthorized(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, c := range []struct {
		name      string
		creds     Credentials
		status    int
		challenge string
		want      error
	}{
		{"403 logged in", user().lookup, 403, "", ErrDenied},
		{"403 anonymous", nil, 403, "", ErrUnauthorized},
		{"401 logged in", user().lookup, 401, `Bearer realm="r"`, ErrUnauthorized},
		{"Docker Hub's 401 for a repository of someone else", user().lookup, 401, `Bearer realm="r",error="insufficient_scope"`, ErrDenied},
		{"the same, anonymous", nil, 401, `Bearer realm="r",error="insufficient_scope"`, ErrUnauthorized},
	} {
		s.on(func(w http.ResponseWriter, req *http.Request) bool {
			if req.URL.Path == "/v2/" {
				return false
			}
			w.Header().Set("WWW-Authenticate", c.challenge)
			return fail(w, c.status, "DENIED", "requested access to the resource is denied")
		})
		r, _ := client(t, c.creds)
		_, _, err := r.Resolve(t.Context(), s.ref(t, "app:1"))
		assert.ErrorIs(t, err, c.want, c.name)
		assert.ErrorContains(t, err, "requested access to the resource is denied")
	}
}

func TestCheckPush(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.on(nil)
	r, _ := client(t, user().lookup)
	assert.NilError(t, r.CheckPush(t.Context(), s.ref(t, "app:1")))
	assert.Equal(t, s.count("POST", "/v2/app/blobs/uploads/"), 1)
	assert.Equal(t, s.count("DELETE", "/v2/app/blobs/uploads/"), 1)
	s.on(func(w http.ResponseWriter, req *http.Request) bool {
		return req.Method == http.MethodPost && fail(w, http.StatusForbidden, "DENIED", "read only")
	})
	err := r.CheckPush(t.Context(), s.ref(t, "app:1"))
	assert.ErrorIs(t, err, ErrDenied)
	assert.Error(t, err, "checking access to "+s.host()+"/app: denied: read only")

	// The cancellation goes nowhere else, whatever Location says.
	other, got := stranger(t)
	s.on(func(w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("Location", other.URL+"/upload")
		return req.Method == http.MethodPost && fail(w, http.StatusAccepted, "", "")
	})
	assert.NilError(t, r.CheckPush(t.Context(), s.ref(t, "app:1")))
	assert.Equal(t, len(got()), 0)
}

// CVE-2021-41092: a helper that fails must not lead to an anonymous request, or to one with another host's login.
// What is asked before a build may not hold it up for as long as an upload may take.
func TestCheckPushEndsWithItsDeadline(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.on(func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost {
			<-req.Context().Done()
			return true
		}
		return false
	})
	r, _ := client(t, nil)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("enough"))
	defer cancel()
	err := r.CheckPush(ctx, s.ref(t, "app:1"))
	assert.ErrorIs(t, err, ErrUnavailable)
	assert.ErrorContains(t, err, "enough")
}

func TestAHelperThatFails(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.on(nil)
	broken := errors.New("docker-credential-x: executable file not found")
	r, c := client(t, (&login{err: broken}).lookup)
	_, _, err := r.Resolve(t.Context(), s.ref(t, "app:1"))
	assert.ErrorIs(t, err, ErrCredentials)
	assert.ErrorIs(t, err, broken)
	assert.Equal(t, s.count("", ""), 0)
	assert.Equal(t, len(c.waits), 0)
}

type hanging chan struct{}

func (h hanging) lookup(ctx context.Context, _ string) (credential.Login, error) {
	select {
	case <-h:
		return credential.Login{}, nil
	case <-ctx.Done():
		return credential.Login{}, ctx.Err()
	}
}

func TestAHelperThatHangs(t *testing.T) {
	t.Parallel()
	helper := make(hanging)
	defer close(helper)
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := client(t, helper.lookup)
	done := make(chan error, 2)
	ref, err := reference.ParseNamed("127.0.0.1:1/app")
	assert.NilError(t, err)
	resolve := func(ctx context.Context) {
		_, _, err := r.Resolve(ctx, ref)
		done <- err
	}
	first, stop := context.WithCancel(t.Context())
	go resolve(first)
	for repo := r.repository(ref, false); len(repo.slot().lock) == 0; {
		runtime.Gosched()
	}
	go resolve(ctx) // waits for the first one's login
	cancel()
	assert.ErrorIs(t, <-done, context.Canceled)
	stop()
	assert.ErrorIs(t, <-done, context.Canceled)
}

// stranger records what reaches a host that is not the registry.
func stranger(t *testing.T) (*server, func() []string) {
	t.Helper()
	s := newServer(t)
	var got []string
	s.on(func(w http.ResponseWriter, req *http.Request) bool {
		got = append(got, req.Header.Get("Authorization")+req.Header.Get("Cookie"))
		_, _ = io.WriteString(w, old)
		return true
	})
	return s, func() []string {
		s.hooking.Lock()
		defer s.hooking.Unlock()
		return slices.Clone(got)
	}
}

func TestARedirectGetsNoLogin(t *testing.T) {
	t.Parallel()
	other, got := stranger(t)
	ts := newTokenServer(t, 0)
	inner := ts.hook
	ts.on(func(w http.ResponseWriter, req *http.Request) bool {
		if inner(w, req) {
			return true
		}
		if strings.Contains(req.URL.Path, "/manifests/") {
			w.Header().Set("Location", other.URL+"/storage?X-Amz-Signature=s")
			return fail(w, http.StatusTemporaryRedirect, "", "")
		}
		return false
	})
	r, _ := client(t, user().lookup)
	desc, _, err := r.Resolve(t.Context(), ts.ref(t, "app:1"))
	assert.NilError(t, err)
	assert.Equal(t, desc.Digest, digest.FromString(old))
	assert.DeepEqual(t, got(), []string{""})
}

func TestRedirectsEnd(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.on(func(w http.ResponseWriter, req *http.Request) bool {
		if strings.Contains(req.URL.Path, "/manifests/") {
			w.Header().Set("Location", req.URL.Path)
			return fail(w, http.StatusFound, "", "")
		}
		return false
	})
	r, c := client(t, nil)
	_, _, err := r.Resolve(t.Context(), s.ref(t, "app:1"))
	assert.ErrorIs(t, err, ErrUnavailable)
	assert.ErrorIs(t, err, errRedirect)
	assert.Equal(t, s.count("GET", "/manifests/"), maxRedirects+1)
	assert.Equal(t, len(c.waits), 0)
}

// A registry says where its token server is. It must not thereby learn the user's password, or send it to places.
func TestRealms(t *testing.T) {
	t.Parallel()
	other, got := stranger(t)
	_, port, _ := strings.Cut(other.host(), ":")
	for _, realm := range []string{
		"http://169.254.169.254/token", "http://[fd00:ec2::254]/token", "http://2852039166/token", "file:///etc/passwd",
		other.URL + "/token", "http://0.0.0.0:" + port + "/token", "http://0x7f000001:" + port + "/token",
		"http://example.com/token", // plain http to a host that isn't this machine
	} {
		s := newServer(t)
		s.on(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm+`",service="s"`)
			return fail(w, http.StatusUnauthorized, "", "")
		})
		r, _ := client(t, user().lookup)
		_, _, err := r.Resolve(t.Context(), s.ref(t, "app:1"))
		assert.ErrorIs(t, err, ErrUnavailable, realm)
		assert.Assert(t, !strings.Contains(err.Error(), canary), realm)
	}
	assert.DeepEqual(t, got(), []string(nil))
}

// go-containerregistry itself refuses only some addresses. A token server that sends the client elsewhere sends the password elsewhere: with a 307 even the body of a POST.
func TestATokenServerDoesNotRedirect(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]types.AuthConfig{
		"password": {Username: "u", Password: canary}, "identity token": {IdentityToken: canary},
	} {
		other, got := stranger(t)
		s := newServer(t)
		s.on(func(w http.ResponseWriter, req *http.Request) bool {
			if req.URL.Path == "/token" {
				w.Header().Set("Location", strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/token")
				return fail(w, http.StatusTemporaryRedirect, "", "")
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+s.URL+`/token"`)
			return fail(w, http.StatusUnauthorized, "", "")
		})
		r, c := client(t, (&login{config: config}).lookup)
		_, _, err := r.Resolve(t.Context(), s.ref(t, "app:1"))
		assert.ErrorIs(t, err, ErrUnavailable, name)
		assert.ErrorIs(t, err, errRedirect, name)
		assert.DeepEqual(t, got(), []string(nil))
		assert.Equal(t, len(c.waits), 0)
	}
}

func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(http.ResponseWriter){
		"no token, but a secret": func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"refresh_token":"`+canary+`"}`) },
		"not JSON":               func(w http.ResponseWriter) { _, _ = io.WriteString(w, canary) },
		"endless": func(w http.ResponseWriter) {
			for err := error(nil); err == nil; {
				_, err = w.Write(make([]byte, 64<<10))
			}
		},
	} {
		s := newServer(t)
		s.on(func(w http.ResponseWriter, req *http.Request) bool {
			if req.URL.Path == "/token" {
				answer(w)
				return true
			}
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+s.URL+`/token"`)
			return fail(w, http.StatusUnauthorized, "", "")
		})
		r, c := client(t, user().lookup)
		_, _, err := r.Resolve(t.Context(), s.ref(t, "app:1"))
		assert.ErrorIs(t, err, ErrUnavailable, name)
		for e := err; e != nil; e = errors.Unwrap(e) {
			assert.Assert(t, !strings.Contains(e.Error(), canary), "%s: %s", name, e)
		}
		assert.Equal(t, len(c.waits), 0, name)
	}
}

func TestNothingOfARegistryCanBePrinted(t *testing.T) {
	t.Parallel()
	ts := newTokenServer(t, 0)
	ts.put(t, "app/manifests/1", ocispec.MediaTypeImageIndex, []byte(old))
	r, _ := client(t, user().lookup)
	in, err := r.Inspect(t.Context(), ts.ref(t, "app:1"))
	assert.NilError(t, err)
	raw, err := json.Marshal(in)
	assert.NilError(t, err)
	assert.Assert(t, !strings.Contains(string(raw)+fmt.Sprintf("%+v", in), canary))
}
