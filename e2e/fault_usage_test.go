//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"
)

const help = "docker multiarch"

func TestInvalidReference(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir()
	for _, ref := range []string{"Upper", "host/Upper", "a b", "a:b:c", "-", "", "host/:1", s.ref() + "@sha256:" + s.before[7:]} {
		s.build("--push", "-t", s.ref(), "-t", ref, dir).failed(125, "invalid tag", ref, help)
	}
	s.push("--push", dir, "surplus").failed(125, "requires 1 argument")
	s.build("--push", dir).failed(125, "--tag")
	s.unsent()
}

func TestInvalidPlatform(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir()
	for _, platform := range []string{"amd64", "linux", "linux/", "/amd64", "linux/amd64/v2/x", "lin ux/amd64", "linux/amd64,"} {
		s.push("--platform", platform, dir).failed(125, "platform", "os/arch")
	}
	s.push("--node", "nowhere", dir).failed(125, "nowhere", "docker context ls")
	s.push("--unknown", dir).failed(125, "--unknown")
	s.unsent()
}

func TestInvalidDockerfilePath(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir()
	empty := t.TempDir()
	s.push("-f", filepath.Join(dir, "Missing"), dir).failed(125, "Dockerfile", "Missing", help)
	s.push("-f", dir, dir).failed(125, "is a directory")
	s.push(empty).failed(125, filepath.Join(empty, "Dockerfile"))
	s.unsent()
}

func TestInvalidContextPath(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir()
	s.push(filepath.Join(dir, "missing")).failed(125, "build context", "missing", help)
	s.push(filepath.Join(dir, "Dockerfile")).failed(125, "not a directory")
	s.unsent()
}

func TestInvalidDockerfile(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for text, word := range map[string]string{
		"FROM " + baseImage() + "\nRUNN uname\n": "RUNN",
		"RUN uname\n":                            "Dockerfile",
		"":                                       "Dockerfile",
		"FROM " + baseImage() + "\nCOPY --from=\nRUN a \\\n": "COPY",
	} {
		s.push(files{"Dockerfile": text}.dir(t)).failed(1, word)
	}
	s.push("--target", "nowhere", s.dir()).failed(1, "nowhere")
	s.unsent()
}

func TestMissingFileOfTheContext(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.push(s.dir("COPY absent /")).failed(1, "absent", "linux/")
	s.unharmed()
}

// An ignore file that can't be read is not "nothing to ignore": secrets would be sent.
func TestIgnoreFileThatCanNotBeRead(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	outside := files{"ignore": "secret\n"}.dir(t)
	for name, target := range map[string]string{
		"dangling link":    "nothing",
		"link out":         filepath.Join(outside, "ignore"),
		"link out, up":     "../" + filepath.Base(outside) + "/ignore",
		"link to a folder": ".",
	} {
		dir := s.dir("COPY . /ctx")
		files{"secret": "s"}.write(t, dir)
		assert.NilError(t, os.Symlink(target, filepath.Join(dir, ".dockerignore")))
		r := s.push(dir)
		assert.Check(t, r.code != 0, "%s: %s", name, r)
		r.says("ignore")
	}
	dir := s.dir("COPY . /ctx")
	assert.NilError(t, os.Symlink("nothing", filepath.Join(dir, "Dockerfile.dockerignore")))
	s.push(dir).says("ignore")
	s.push(files{"Dockerfile": s.dockerfile(), ".dockerignore": "[\n"}.dir(t)).says("ignore")
	s.unsent()
}
