//go:build e2e

package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

const tokenPassword = "for-the-token-server-only"

// tokenFront is a registry that wants tokens, with a token server of its own that gives them to one user.
type tokenFront struct {
	*front

	mu     sync.Mutex
	asked  []string // The scopes of each request for a token, and whether it had the password.
	access []string // How requests to the registry itself were authorized.
}

func newTokenFront(t *testing.T) *tokenFront {
	t.Helper()
	f := &tokenFront{front: newFront(t)}
	f.breakWith(func(w http.ResponseWriter, r *http.Request) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		if r.URL.Path == "/token" {
			_, password, _ := r.BasicAuth()
			scopes := strings.Join(r.URL.Query()["scope"], " ")
			f.asked = append(f.asked, fmt.Sprint(scopes, " ", password == tokenPassword, " ", r.UserAgent()))
			if password != tokenPassword {
				http.Error(w, "wrong", http.StatusUnauthorized)
				return true
			}
			fmt.Fprintf(w, `{"token": %q, "expires_in": 300}`, scopes)
			return true
		}
		given := r.Header.Get("Authorization")
		f.access = append(f.access, given)
		for _, scope := range strings.Fields(strings.TrimPrefix(given, "Bearer ")) {
			name, _, _ := strings.Cut(strings.TrimPrefix(scope, "repository:"), ":")
			if strings.HasPrefix(r.URL.Path, "/v2/"+name+"/") {
				return false
			}
		}
		scope := ""
		if parts := strings.Split(r.URL.Path, "/manifests/"); len(parts) == 2 {
			scope = fmt.Sprintf(`,scope="repository:%s:pull"`, strings.TrimPrefix(parts[0], "/v2/"))
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="e2e"%s`, r.Host, scope))
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return true
	})
	return f
}

// login gives the client the password.
func (f *tokenFront) login(c *client) {
	auth := base64.StdEncoding.EncodeToString([]byte("me:" + tokenPassword))
	c.configure("auths", map[string]any{f.address: map[string]string{"auth": auth}})
}

// Where a registry has tokens, an engine gets one to pull the base image, and the password stays here: real engines of all ages know how.
func TestNodesGetTokensAndNoPassword(t *testing.T) {
	t.Parallel()
	c, f := newClient(t), newTokenFront(t)
	c.haveContexts("amd64", "i386", string(trixie), string(modern))
	f.login(c)
	repo := repository(t)
	writeTo(t, repo).busybox()
	dir := files{"Dockerfile": "FROM " + f.address + "/" + repo + ":latest\nRUN uname -m > /machine\nLABEL e2e=" + newMark() + "\n"}.dir(t)
	for _, node := range []string{"amd64", "i386", string(trixie), string(modern)} {
		r := c.build("--node", node, "--progress=plain", "--no-cache", "--pull", dir).succeeded()

		assert.Assert(t, is.Contains(r.stderr, "[auth] a token to pull "+f.address+"/"+repo+" is given to this node"), "%s", r)
		assert.Assert(t, !strings.Contains(r.stderr, "the login for "+f.address))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	assert.Assert(t, len(f.asked) >= 4)
	for _, asked := range f.asked {
		assert.Assert(t, strings.HasPrefix(asked, "repository:"+repo+":pull true docker-multiarch"), "an engine asked for a token itself: %s", asked)
	}
	for _, access := range f.access {
		assert.Assert(t, access == "" || access == "Bearer repository:"+repo+":pull", "%s", access)
	}
}

// So it is for what else a build needs there: an image as a named context, and caches, the only thing that it may write.
func TestNodesGetTokensForNamedContextsAndCaches(t *testing.T) {
	t.Parallel()
	c, f := newClient(t), newTokenFront(t)
	c.haveContexts(string(modern))
	f.login(c)
	repo := repository(t)
	cache := repo + "-cache"
	writeTo(t, repo).busybox()
	dir := files{"Dockerfile": "FROM named\nRUN cat /proc/sys/kernel/random/uuid > /id\nLABEL e2e=" + newMark() + "\n"}.dir(t)

	r := c.build("--progress=plain", "--build-context", "named=docker-image://"+f.address+"/"+repo,
		"--cache-from", f.address+"/"+cache+":1", "--cache-to", "type=registry,ref="+f.address+"/"+cache+":1", dir).succeeded()

	assert.DeepEqual(t, tags(t, openRegistry(), cache), []string{"1"})
	r.says("[auth] a token to pull "+f.address+"/"+repo+" is given", "[auth] a token to pull and push "+f.address+"/"+cache+" is given")
	assert.Assert(t, !strings.Contains(r.stderr, "the login for "), "%s", r)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, asked := range f.asked {
		assert.Assert(t, is.Contains(asked, " true docker-multiarch"), "an engine asked for a token itself: %s", asked)
		assert.Assert(t, !strings.Contains(asked, "repository:"+repo+":pull,push"), "it could push to what it only reads: %s", asked)
	}
}
