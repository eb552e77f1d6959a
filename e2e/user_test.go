//go:build e2e

package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"
)

const nobody = 65534

// demote has the client run as a user who is not root. The way to the engines is through sockets that this user may use.
func (c *client) demote() {
	c.t.Helper()
	c.configure("currentContext", "near-amd64")
	for _, e := range engines {
		c.addContext("near-"+string(e), newWire(c.t, e).host)
		c.removeContext(string(e))
	}
	assert.NilError(c.t, os.Chmod(filepath.Dir(c.config), 0o755)) // All directories of a test are below it.
	for _, dir := range []string{c.config, c.tmp} {
		assert.NilError(c.t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, nobody, nobody)
		}))
	}
	c.user = nobody
}

// A file that can't be read is not an empty file, nor one that is not there.
func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.demote()
	dir := s.dir("COPY . /ctx")
	files{"readable": "r", "secret": "s"}.write(t, dir)
	assert.NilError(t, os.Chmod(filepath.Join(dir, "secret"), 0))

	s.push(dir).failed(1, `"secret"`, "permission denied")
	s.unharmed()

	// Who needs it not, or ignores it, is not bothered by it.
	files{"Dockerfile": s.dockerfile("COPY readable /")}.write(t, dir)
	s.build("-t", s.ref(), dir).succeeded()
	files{"Dockerfile": s.dockerfile("COPY . /ctx"), ".dockerignore": "secret\n"}.write(t, dir)
	digestOf(t, s.push(dir).succeeded(), s.ref())
	for _, content := range contentOf(t, openRegistry(), s.repo, tag) {
		assert.DeepEqual(t, below(content, "ctx"), []string{".dockerignore", "Dockerfile", "readable"})
	}
}

func TestUnreadableDirectory(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.demote()
	dir := s.dir("COPY . /ctx")
	files{"readable": "r", "closed/file": "c"}.write(t, dir)
	assert.NilError(t, os.Chmod(filepath.Join(dir, "closed"), 0))

	s.push(dir).failed(1, `"closed"`, "permission denied")
	s.unharmed()

	files{".dockerignore": "closed\n"}.write(t, dir)
	digestOf(t, s.push(dir).succeeded(), s.ref())
}

// Neither plugin nor Dockerfile is readable to everyone everywhere: the error is the user's, not a build's.
func TestUnreadableDockerfile(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.demote()
	dir := s.dir()
	assert.NilError(t, os.Chmod(filepath.Join(dir, "Dockerfile"), 0))
	r := s.push(dir)
	assert.Check(t, r.code != 0)
	r.says("Dockerfile", "permission denied")
	s.unsent()
}
