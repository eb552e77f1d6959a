//go:build e2e

package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"gotest.tools/v3/assert"
)

// Remote build contexts, and those on standard input, are fetched once, here, and every node gets the same.
func TestRemoteContexts(t *testing.T) {
	t.Parallel()
	dir := files{"sub/a": "from afar", "sub/Dockerfile": dockerfile("FROM scratch", "COPY a /"), "own": dockerfile("RUN echo own > /a", "FROM scratch", "COPY --from=base /a /")}.dir(t)
	served := t.TempDir()
	execute(t, dir, "tar", "-C", "sub", "-czf", filepath.Join(served, "context.tar.gz"), ".")
	execute(t, dir, "cp", "own", filepath.Join(served, "own"))
	repository := []string{"-c", "user.name=e2e", "-c", "user.email=e2e@example.com"}
	execute(t, dir, "git", "init", "-q", "-b", "main")
	execute(t, dir, "git", "add", ".")
	execute(t, dir, "git", append(repository, "commit", "-q", "-m", "first")...)
	execute(t, dir, "git", "tag", "v1")
	files{"sub/a": "changed"}.write(t, dir)
	execute(t, dir, "git", append(repository, "commit", "-q", "-a", "-m", "second")...)
	execute(t, dir, "git", "clone", "-q", "--bare", ".", filepath.Join(served, "app.git"))
	execute(t, filepath.Join(served, "app.git"), "git", "update-server-info")

	for name, c := range map[string]struct {
		context, want string
		once          string // is asked for once
	}{
		"a tar":               {"/context.tar.gz", "from afar", "/context.tar.gz"},
		"a Dockerfile":        {"/own", "own", "/own"},
		"the default branch":  {"/app.git#:sub", "changed", ""},
		"a branch":            {"/app.git#main:sub", "changed", ""},
		"a tag and directory": {"/app.git#v1:sub", "from afar", ""},
		"a query":             {"/app.git?tag=v1&subdir=sub", "from afar", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			content := http.FileServer(http.Dir(served))
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet && r.URL.Path == c.once {
					asked.Add(1)
				}
				content.ServeHTTP(w, r)
			}))
			t.Cleanup(s.Close)
			got := newClient(t).told(both, s.URL+c.context)
			assert.DeepEqual(t, got, map[string]files{"linux/amd64": {"a": c.want}, "linux/386": {"a": c.want}})
			assert.Assert(t, c.once == "" || asked.Load() == 1, "it was fetched %d times", asked.Load())
		})
	}
	for name, want := range map[string]string{"context.tar.gz": "from afar", "own": "own"} {
		text, err := os.ReadFile(filepath.Join(served, name))
		assert.NilError(t, err)
		out := t.TempDir()
		newClient(t).given(string(text), "--platform", "linux/386", "-o", out, "-").succeeded()
		assert.DeepEqual(t, readFiles(t, out), files{"a": want})
	}
	newClient(t).build("http://"+farm.registry+"/nowhere.tar").failed(1, "nowhere.tar")
	newClient(t).build("http://"+farm.registry+"/nowhere.git").failed(1, "nowhere.git")
}

// execute runs a command that has to succeed.
func execute(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	assert.NilError(t, err, "%s %q: %s", name, args, out)
}
