package manifest

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/docker-multiarch/docker-multiarch/credential"
)

// session is a login at a registry for one repository.
type session struct {
	guard
	scheme    string // http or https, as the registry answered
	header    string // value of the Authorization header; "" sends none. Secret.
	anonymous bool
	// accepted tells that the registry took a request with it; if it refuses one later, the login has expired.
	accepted atomic.Bool
}

type sessionKey struct {
	repository string
	push       bool
	from       string
}

// slot holds at most one session, and lets one goroutine at a time make it. The lock is a channel because a goroutine
// that waits for it must still see its context end.
type slot struct {
	lock chan struct{}
	s    *session
}

// session gives the repository's session.
func (r repository) session(ctx context.Context) (*session, error) {
	sl := r.slot()
	select {
	case sl.lock <- struct{}{}:
		defer func() { <-sl.lock }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if sl.s != nil {
		return sl.s, nil
	}
	s, err := r.login(ctx)
	if err == nil {
		sl.s = s
	}
	return s, err
}

// forget drops s, so that the next request reads the credentials again: tokens and passwords expire during long builds.
func (r repository) forget(ctx context.Context, s *session) error {
	sl := r.slot()
	select {
	case sl.lock <- struct{}{}:
		defer func() { <-sl.lock }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if sl.s == s {
		sl.s = nil
	}
	return nil
}

func (r repository) slot() *slot {
	key := sessionKey{r.name.Name(), r.push, r.from}
	r.mu.Lock()
	defer r.mu.Unlock()
	sl, ok := r.sessions[key]
	if !ok {
		sl = &slot{lock: make(chan struct{}, 1)}
		r.sessions[key] = sl
	}
	return sl
}

// login asks the registry what it wants and turns the user's credentials into that.
func (r repository) login(ctx context.Context) (*session, error) {
	s, login, challenge, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	config := login.Reveal()
	basic := strings.EqualFold(challenge.Scheme, "basic")
	switch {
	case config.RegistryToken != "":
		s.header = "Bearer " + config.RegistryToken
	case strings.EqualFold(challenge.Scheme, "bearer"):
		s.header, err = r.token(ctx, s, login, challenge)
	case basic && config.Username != "":
		s.header = "Basic " + base64.StdEncoding.EncodeToString([]byte(config.Username+":"+config.Password))
	case basic && config.Auth != "":
		s.header = "Basic " + config.Auth
	}
	return s, err
}

// begin begins a session: it finds the user's credentials, and what the registry wants.
func (r repository) begin(ctx context.Context) (*session, credential.Login, *transport.Challenge, error) {
	// Docker Hub's API is at another name than the one in references; name knows it.
	reg, err := name.NewRegistry(r.host())
	if err != nil {
		return nil, credential.Login{}, nil, &failure{class: ErrInvalid, cause: err}
	}
	creds := r.creds
	if r.attached[r.host()] != nil {
		creds = nil
	}
	login, err := lookup(ctx, creds, r.host())
	if err != nil {
		return nil, login, nil, &failure{class: ErrCredentials, cause: err}
	}
	s := &session{guard: guard{r.Registry, reg.RegistryStr()}, anonymous: !login.Known()}
	challenge, err := s.ping(ctx)
	if err != nil {
		return nil, login, nil, s.failed(err)
	}
	return s, login, challenge, nil
}

// ping finds the scheme and the kind of login. Left to itself go-containerregistry would try plain http for private
// networks and names in .local; so it gets a name that says nothing, and [pinned] puts the registry in its place.
func (s *session) ping(ctx context.Context) (*transport.Challenge, error) {
	reg, err := name.NewRegistry(pingHost)
	if err != nil {
		return nil, err
	}
	s.scheme = "https"
	challenge, err := transport.Ping(ctx, reg, pinned{s})
	if err == nil || isStatus(err) || isCertificate(err) || ctx.Err() != nil || !s.r.plainAllowed(ctx, s.host) {
		return challenge, err
	}
	s.scheme = "http"
	return transport.Ping(ctx, reg, pinned{s})
}

const pingHost = "registry.invalid"

// pinned sends requests for pingHost to the session's registry.
type pinned struct{ *session }

// RoundTrip implements http.RoundTripper.
func (p pinned) RoundTrip(in *http.Request) (*http.Response, error) {
	if in.URL.Host == pingHost {
		in = in.Clone(in.Context())
		in.URL.Scheme, in.URL.Host, in.Host = p.scheme, p.host, ""
	}
	return p.session.RoundTrip(in)
}

// token exchanges the credentials for a token that is good for this repository and access only.
func (r repository) token(ctx context.Context, s *session, login credential.Login, c *transport.Challenge) (string, error) {
	actions := ":pull"
	if r.push {
		actions = ":pull,push"
	}
	scopes := []string{"repository:" + reference.Path(r.name) + actions}
	if r.from != "" {
		scopes = append(scopes, "repository:"+r.from+":pull")
	}
	token, err := r.exchange(ctx, s, login, c, scopes)
	if err != nil {
		return "", err
	}
	return "Bearer " + cmp.Or(token.AccessToken, token.Token), nil
}

func (repository) exchange(ctx context.Context, s *session, login credential.Login, c *transport.Challenge, scopes []string) (*transport.Token, error) {
	reg, err := name.NewRegistry(s.host)
	if err != nil {
		return nil, s.failed(err)
	}
	c.Insecure = s.scheme == "http"
	token, err := transport.Exchange(ctx, reg, authenticator(login), s.guard, scopes, c)
	if err == nil {
		return token, nil
	}
	if !isNetwork(err) && !isStatus(err) {
		// An answer without a token is quoted from the second line on, and may hold a refresh token.
		first, _, _ := strings.Cut(err.Error(), "\n")
		err = errors.New(first)
	}
	return nil, s.failed(err)
}

// authorize sets the login on a request to the registry itself, and on no other.
func (s *session) authorize(req *http.Request) {
	if s.header != "" && req.URL.Scheme == s.scheme && strings.EqualFold(req.URL.Host, s.host) {
		req.Header.Set("Authorization", s.header)
	}
}
