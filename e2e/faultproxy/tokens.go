package faultproxy

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

const tokenPath = "/token"

// Tokens makes a registry want tokens, and is the server that gives them to one user. It is an http.Handler.
type Tokens struct {
	User, Password string

	registry http.Handler

	mu      sync.Mutex
	given   map[string]string // Scopes, by token.
	numbers int
}

// NewTokens puts a token server before a registry that wants none.
func NewTokens(registry http.Handler) *Tokens {
	return &Tokens{User: "me", Password: "for-tokens-only", registry: registry, given: map[string]string{}}
}

// Auth is the login as it stands in Docker's configuration.
func (t *Tokens) Auth() string {
	return base64.StdEncoding.EncodeToString([]byte(t.User + ":" + t.Password))
}

// Expire is a fault: no token that was given up to now is good any more, for this request either.
func (t *Tokens) Expire(w http.ResponseWriter, r *http.Request, registry http.Handler) {
	t.mu.Lock()
	clear(t.given)
	t.mu.Unlock()
	registry.ServeHTTP(w, r)
}

// ServeHTTP implements http.Handler.
func (t *Tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == tokenPath:
		t.give(w, r)
	case t.allows(r):
		t.registry.ServeHTTP(w, r)
	default:
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s%s",service="the test"`, r.Host, tokenPath))
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
	}
}

func (t *Tokens) give(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != t.User || password != t.Password {
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.numbers++
	token := fmt.Sprintf("token-%d", t.numbers)
	t.given[token] = strings.Join(r.URL.Query()["scope"], " ")
	fmt.Fprintf(w, `{"token": %q, "expires_in": 300}`, token)
}

// allows tells whether the request's token is good for its repository, and for writing if it writes.
func (t *Tokens) allows(r *http.Request) bool {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	t.mu.Lock()
	scopes, ok := t.given[token]
	t.mu.Unlock()
	if !ok {
		return false
	}
	for _, scope := range strings.Fields(scopes) {
		name, actions, _ := strings.Cut(strings.TrimPrefix(scope, "repository:"), ":")
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		if strings.HasPrefix(r.URL.Path, "/v2/"+name+"/") && (reads || strings.Contains(actions, "push")) {
			return true
		}
	}
	return r.URL.Path == "/v2/"
}
