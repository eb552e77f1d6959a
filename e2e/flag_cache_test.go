//go:build e2e

package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// The cache that is in an image is of use on another engine. Only engines of the same version make the same of a Dockerfile, so both
// build for 386, as the processor of each can.
func TestInlineCache(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	name := s.front.address + "/" + s.repo + ":cache"
	dir := s.dir("RUN cat /proc/sys/kernel/random/uuid > /id")
	args := []string{"--platform", "linux/386", dir}
	s.build(append(args, "--node", "amd64", "--push", "-t", name, "--cache-to", "type=inline")...).succeeded()
	first := engine("amd64").run(t, name, "cat", "/id")

	s.build(append(args, "--node", "i386", "-t", name, "--cache-from", name)...).succeeded()

	assert.Equal(t, engine("i386").run(t, name, "cat", "/id"), first, "the step was run again")
}

// A cache of its own for each platform, in a registry; and prune, which has the engine forget its own. Not parallel: others count on
// their engine's cache.
func TestRegistryCacheOfEachPlatform(t *testing.T) {
	c := newClient(t)
	c.haveContexts(string(modern))
	name := farm.registry + "/" + repository(t)
	dir := files{"Dockerfile": telling(files{"id": "cat /proc/sys/kernel/random/uuid"})}.dir(t)
	args := []string{"--platform", "linux/amd64,linux/386", dir}
	to, from := slices.Clone(args), slices.Clone(args)
	for _, p := range []string{"amd64", "386"} {
		to = append(to, "--cache-to", "linux/"+p+":type=registry,mode=max,ref="+name+":"+p)
		from = append(from, "--cache-from", "linux/"+p+":"+name+":"+p)
	}

	first := c.told(both, to...)

	assert.DeepEqual(t, tags(t, openRegistry(), repository(t)), []string{"386", "amd64"})
	prune := func() {
		r := c.docker("multiarch", "prune", "--all", "--force").succeeded()
		assert.Assert(t, is.Contains(r.stdout, "Total reclaimed space:"))
	}
	prune()
	assert.DeepEqual(t, c.told(both, from...), first)
	prune()
	again := c.told(both, args...)
	for _, platform := range both {
		assert.Assert(t, again[platform]["id"] != first[platform]["id"], "prune left the cache")
	}
}

// A cache in a directory of this machine, which the libraries that write it have nothing to say about.
func TestLocalCache(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, string(modern))
	cache := t.TempDir()
	args := []string{"-t", s.repo, s.dir("RUN true")}
	s.build(append(args, "--platform", "linux/amd64,linux/386", "--cache-to", "type=local,dest="+t.TempDir()+"/both")...).succeeded().says("WARNING: several platforms write the same cache")
	r := s.build(append(args, "--cache-to", "type=local,mode=max,dest="+cache)...).succeeded()
	assert.Assert(t, !strings.Contains(r.stderr, "level="), "%s", r)
	_, err := os.Stat(cache + "/index.json")
	assert.NilError(t, err)
	s.build(append(args, "--no-cache", "--cache-from", "type=local,src="+cache)...).succeeded()
	r = s.build(append(args, "--cache-from", "type=local,src="+cache+"/nothing")...).succeeded()
	r.says("WARNING: no cache is in " + cache + "/nothing")
}

func TestCacheThatAnEngineCanNotWrite(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	r := s.push("--cache-to", "type=registry,ref="+s.front.address+"/cache", s.dir()).failed(125, "--cache-to", "containerd image store")
	for _, e := range engines {
		r.says(string(e) + " (engine " + e.version(t) + ")")
	}
	s.unsent()
	s.build("--cache-to", "type=nonsense", s.dir()).failed(125, "--cache-to")
	s.build("--cache-from", "type=registry,ref", s.dir()).failed(125, "--cache-from")
}
