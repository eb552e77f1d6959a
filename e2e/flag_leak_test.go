//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// Files that look secret are named before they leave this machine, and only then.
func TestSecretLookingFiles(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, "tls")
	dir := s.dir("COPY . /ctx")
	files{
		".env": "x", "deploy/id_rsa": "x", "app/.aws/credentials": "x", "ignored.pem": "x", "id_rsa.pub": "x", ".env.example": "x", "main.go": "x",
		".dockerignore": "*.pem\n",
	}.write(t, dir)
	names := []string{".env", "deploy/id_rsa", "app/.aws/credentials"}

	s.push("--platform", "linux/amd64,linux/386", "--secret-files", "fail", dir).failed(125, append(names, "tls")...)
	s.unsent()
	r := s.build("--dry-run", dir).succeeded().says(append(names, "tls", ".dockerignore")...)
	for _, harmless := range []string{"ignored.pem", "id_rsa.pub", ".env.example", "main.go"} {
		assert.Assert(t, !strings.Contains(r.stderr, harmless), "%s", r)
	}
	r = s.build("--dry-run", "--secret-files", "off", dir).succeeded()
	assert.Assert(t, !strings.Contains(r.stderr, "secret"), "%s", r)
	s.build("--secret-files", "nonsense", dir).failed(125, "--secret-files")
	s.build("-t", s.ref(), dir).succeeded().says(names...)

	here := newClient(t).build("--dry-run", "--secret-files", "fail", dir).succeeded()
	assert.Assert(t, !strings.Contains(here.stderr, ".env"), "%s", here)
}

// So are more than a gigabyte, with what is the most of it.
func TestLargeContext(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.haveContexts("tls")
	dir := files{"Dockerfile": dockerfile(), "small/file": "x", "large/file": "", "larger/in/file": "", "ignored": "", ".dockerignore": "ignored"}.dir(t)
	for name, size := range map[string]int64{"large/file": 400 << 20, "larger/in/file": 900 << 20, "ignored": 9 << 30} {
		assert.NilError(t, os.Truncate(filepath.Join(dir, name), size))
	}

	r := c.build("--dry-run", dir).succeeded().says("1.363GB", "tls", "larger", "large (")

	assert.Assert(t, strings.Index(r.stderr, "larger") < strings.Index(r.stderr, "large ("))
	assert.Assert(t, !strings.Contains(r.stderr, "ignored"))
	assert.NilError(t, os.Truncate(filepath.Join(dir, "larger/in/file"), 1))
	r = c.build("--dry-run", dir).succeeded()
	assert.Assert(t, !strings.Contains(r.stderr, "larger"))
}

func TestSecretLookingBuildArguments(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	dir := files{"Dockerfile": dockerfile("ARG API_TOKEN", "ARG PASSWORD", "ARG VERSION")}.dir(t)

	r := c.build("--dry-run", "--build-arg", "API_TOKEN=e2e-1", "--build-arg", "linux/386:PASSWORD=e2e-2", "--build-arg", "VERSION=e2e-3", dir).succeeded()

	r.says("API_TOKEN, PASSWORD", "history", "--secret")
	assert.Assert(t, !strings.Contains(r.stderr, "VERSION"))
	assert.Assert(t, !strings.Contains(r.stderr, "e2e-"), "%s", r)
	assert.Assert(t, is.Equal(r.stdout, ""))
}
