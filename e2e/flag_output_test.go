//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"github.com/docker-multiarch/docker-multiarch/e2e/soak"
)

// Files come back, in a place for each of several platforms.
func TestOutputOfFiles(t *testing.T) {
	t.Parallel()
	c, f := newClient(t), newFront(t)
	dir := files{"Dockerfile": telling(files{"machine": "uname -m"})}.dir(t)
	at := func(path string) string { return filepath.Join(t.TempDir(), path) }
	tarred := func(file string) []string {
		entries, err := soak.Entries(file)
		assert.NilError(t, err)
		return []string{entries["machine"].Sum}
	}

	local, one, tars, tar, mixed := at("local"), at("one"), at("tars"), at("one.tar"), at("mixed")
	c.build("--output", "type=local,dest="+local, dir).succeeded()
	r := c.build("-o", one, "--platform", "linux/386", dir).succeeded()
	c.build("-o", "type=tar,dest="+tars, dir).succeeded()
	c.build("-o", "type=tar,dest="+tar, "--platform", "linux/amd64", dir).succeeded()
	c.build("-o", mixed, "-o", "linux/386:type=tar,dest="+mixed, dir).succeeded()

	for _, e := range engines {
		name := strings.ReplaceAll(e.platform(), "/", "_")
		assert.DeepEqual(t, readFiles(t, filepath.Join(local, name)), files{"machine": e.machine()})
	}
	assert.DeepEqual(t, readFiles(t, one), files{"machine": "i686"})
	assert.Equal(t, r.stdout, "")
	assert.DeepEqual(t, readFiles(t, filepath.Join(mixed, "linux_amd64")), files{"machine": "x86_64"})
	assert.DeepEqual(t, tarred(tar), tarred(filepath.Join(tars, "linux_amd64.tar")))
	assert.DeepEqual(t, tarred(filepath.Join(mixed, "linux_386.tar")), tarred(filepath.Join(tars, "linux_386.tar")))

	for value, word := range map[string]string{
		"type=local": "dest", "type=nonsense,dest=x": "nonsense", "type=local,dest=x,nought=1": "nought",
	} {
		c.build("-o", value, dir).failed(125, "--output", word)
	}
	c.build("-o", at("x"), "--push", "-t", f.address+"/x", dir).failed(125, "--output")
	assert.Equal(t, len(f.writes()), 0)
}

// Several outputs of one build, which older engines would make one of.
func TestSeveralOutputs(t *testing.T) {
	t.Parallel()
	for _, e := range []engine{trixie, modern} {
		s := newNodeScene(t, string(e))
		one, two, tar := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two"), filepath.Join(t.TempDir(), "tar")
		s.build("-o", one, "-o", two, "-o", "type=tar,dest="+tar, "--platform", "linux/amd64", files{"Dockerfile": telling(files{"machine": "uname -m"})}.dir(t)).succeeded()
		for _, dir := range []string{one, two} {
			assert.DeepEqual(t, readFiles(t, dir), files{"machine": "x86_64"})
		}
		entries, err := soak.Entries(tar)
		assert.NilError(t, err)
		assert.Equal(t, len(entries), 1)
	}
	s := newScene(t)
	s.build("-o", "one", "-o", "two", s.dir()).failed(125, "more than one --output", "26.0")
	s.build("-o", "one", "-o", "./one", s.dir()).failed(125, "two of them would write")
	s.build("-o", "one", "-o", "type=image", s.dir()).failed(125, "--output of files makes no image")
	s.build("-o", filepath.Join(s.dir(), "Dockerfile"), s.dir()).failed(125, "is not a directory")
	s.unsent()
}

// A tar on standard output, as docker build -o - gives it.
func TestOutputOnStandardOutput(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	dir := files{"Dockerfile": telling(files{"machine": "uname -m"})}.dir(t)
	for _, value := range []string{"-", "type=tar", "type=tar,dest=-"} {
		r := c.build("-o", value, "--platform", "linux/386", dir).succeeded()
		file := filepath.Join(t.TempDir(), "out.tar")
		assert.NilError(t, os.WriteFile(file, []byte(r.stdout), 0o600))
		entries, err := soak.Entries(file)
		assert.NilError(t, err, "-o %s", value)
		assert.Equal(t, len(entries), 1, "-o %s: %v", value, entries)
	}
	c.build("-o", "-", dir).failed(125, "--output")
}

// Images are what is made anyway, and type=registry is --push.
func TestOutputOfImages(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref := f.address + "/" + repo
	dir := files{"Dockerfile": dockerfile(ownLayer)}.dir(t)

	for _, value := range []string{"type=image", "type=docker"} {
		c.build("-o", value, "-t", ref+":1", dir).succeeded()
		assert.Equal(t, len(f.writes()), 0)
	}
	c.build("-o", "type=registry", "-t", ref+":1", dir).succeeded()
	published(t, openRegistry(), repo, "1", bothPlatforms())
	c.build("-o", "type=image,push=true", "-t", ref+":2", dir).succeeded()
	published(t, openRegistry(), repo, "2", bothPlatforms())
}

func TestImageIDFile(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref, file := f.address+"/"+repo+":1", filepath.Join(t.TempDir(), "iid")
	dir := files{"Dockerfile": dockerfile(ownLayer)}.dir(t)
	iid := func() string {
		text, err := os.ReadFile(file)
		assert.NilError(t, err)
		return string(text)
	}

	// Two images have no ID that would stand for both; that is known before anything is built.
	c.build("--iidfile", file, "-t", ref, dir).failed(125, "--iidfile")
	assert.Equal(t, engine("amd64").image(t, ref), "")
	_, err := os.Stat(file)
	assert.Assert(t, is.ErrorIs(err, os.ErrNotExist))

	c.build("--iidfile", file, "-t", ref, "--platform", "linux/386", dir).succeeded()
	assert.Equal(t, iid(), engine("i386").image(t, ref))
	c.build("--iidfile", file, "-t", ref, "--push", dir).succeeded()
	assert.Equal(t, iid(), published(t, openRegistry(), repo, "1", bothPlatforms()).Digest)
}

// docker run finds what --load left, on the engine that docker itself uses.
func TestLoad(t *testing.T) {
	t.Parallel()
	for _, current := range []engine{"i386", trixie, modern} {
		s := newNodeScene(t, string(current), "amd64")
		name := s.repo

		s.build("--load", "-t", name, s.dir("RUN uname -m > /machine")).succeeded()

		id := strings.TrimSpace(s.docker("run", "--detach", "--network", "none", name, "cat", "/machine").succeeded().stdout)
		assert.Equal(t, current.printed(t, id), map[engine]string{"i386": "i686", trixie: "x86_64", modern: "x86_64"}[current])
	}
}
