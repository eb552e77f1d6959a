package manifest

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config/types"
	"gotest.tools/v3/assert"
)

func (s *server) repositories(t *testing.T, names ...string) []reference.Named {
	t.Helper()
	var all []reference.Named
	for _, name := range names {
		all = append(all, reference.TrimNamed(s.ref(t, name+":1")))
	}
	return all
}

func TestAPullTokenIsForTheseRepositoriesOnly(t *testing.T) {
	t.Parallel()
	ts := newTokenServer(t, 0)
	r, _ := client(t, user().lookup)
	token, err := r.Token(t.Context(), ts.repositories(t, "app"), nil)
	assert.NilError(t, err)
	assert.DeepEqual(t, token, Token{Value: "t1"})
	assert.DeepEqual(t, ts.scopes, []string{"repository:app:pull"})
}

func TestAPullTokenTellsHowLongItHolds(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var scopes []string
	s.on(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path != "/token" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+s.host()+`/token"`)
			return fail(w, http.StatusUnauthorized, "UNAUTHORIZED", "")
		}
		scopes = req.URL.Query()["scope"]
		_, _ = fmt.Fprint(w, `{"access_token":"a","expires_in":300}`)
		return true
	})
	r, _ := client(t, user().lookup)
	token, err := r.Token(t.Context(), s.repositories(t, "app", "team/lib"), s.repositories(t, "cache"))
	assert.NilError(t, err)
	assert.DeepEqual(t, token, Token{"a", 5 * time.Minute})
	assert.DeepEqual(t, scopes, []string{"repository:app:pull", "repository:team/lib:pull", "repository:cache:pull,push"})
}

func TestWhereThereIsNoToken(t *testing.T) {
	t.Parallel()
	ts := newTokenServer(t, 0)
	r, _ := client(t, (&login{}).lookup)
	_, err := r.Token(t.Context(), ts.repositories(t, "app"), nil)
	assert.ErrorIs(t, err, ErrNoToken)
	assert.Equal(t, ts.given, 0, "an engine gets an anonymous token itself")

	open := newServer(t)
	r, _ = client(t, user().lookup)
	_, err = r.Token(t.Context(), open.repositories(t, "app"), nil)
	assert.ErrorIs(t, err, ErrNoToken)

	r, _ = client(t, (&login{config: types.AuthConfig{Username: "u", Password: "wrong"}}).lookup)
	_, err = r.Token(t.Context(), ts.repositories(t, "app"), nil)
	assert.ErrorIs(t, err, ErrUnauthorized)
}
