//go:build e2e

package e2e

import (
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

func TestSeveralTargets(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	one, two := repo+"/one", repo+"/two"
	dir := files{"Dockerfile": dockerfile(ownLayer)}.dir(t)
	refs := []string{f.address + "/" + one + ":latest", f.address + "/" + one + ":1.0", f.address + "/" + two + ":latest", f.address + "/" + two + ":1"}
	args := []string{"--push", dir}
	for _, ref := range refs {
		args = append(args, "-t", ref)
	}

	r := c.build(args...).succeeded()

	first := published(t, openRegistry(), one, "1.0", bothPlatforms())
	var want []string
	for _, ref := range refs {
		want = append(want, ref+"@"+first.Digest)
		repo, tag, _ := strings.Cut(strings.TrimPrefix(ref, f.address+"/"), ":")
		assert.Equal(t, published(t, openRegistry(), repo, tag, bothPlatforms()).Digest, first.Digest)
		assert.Equal(t, f.TagPuts(repo, tag), 1)
	}
	assert.DeepEqual(t, r.lines(), want)
	// P7: what floats comes last, so that it never moves when a fixed tag could not be published.
	var order []string
	for _, put := range f.manifestPuts() {
		repo, tag, _ := strings.Cut(strings.TrimPrefix(put.Path, "/v2/"), "/manifests/")
		if !strings.Contains(tag, "-linux-") {
			order = append(order, repo+":"+tag)
		}
	}
	assert.DeepEqual(t, order, []string{one + ":1.0", two + ":1", one + ":latest", two + ":latest"})

	// Quiet, and without a tag, which means latest.
	r = c.build("-q", "--push", "-t", f.address+"/"+one, dir).succeeded()
	assert.Equal(t, r.stdout, first.Digest+"\n")
	assert.Equal(t, f.TagPuts(one, "latest"), 1)
}

// One build for several registries, of two kinds, and one of them with a password and TLS.
func TestSeveralRegistries(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	logins["config.json"](c, farm.password)
	places := map[string]*oracle.Registry{f.address: openRegistry(), farm.private: privateRegistry(t)}
	v3 := registries(t)["v3"]
	places[v3] = &oracle.Registry{Base: "http://" + v3}
	args := []string{"--push", files{"Dockerfile": dockerfile(ownLayer)}.dir(t)}
	for host := range places {
		args = append(args, "-t", host+"/"+repo+":1")
	}

	r := c.build(args...).succeeded()

	digest := published(t, openRegistry(), repo, "1", bothPlatforms()).Digest
	assert.Equal(t, len(r.lines()), len(places))
	for host, place := range places {
		assert.Equal(t, published(t, place, repo, "1", bothPlatforms()).Digest, digest)
		assert.Assert(t, slices.Contains(r.lines(), host+"/"+repo+":1@"+digest))
	}
}

func TestPlatformTagTemplate(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref := f.address + "/" + repo + ":1"
	dir := files{"Dockerfile": dockerfile(ownLayer)}.dir(t)

	digestOf(t, c.build("--push", "-t", ref, "--platform-tag", "{{.Arch}}.{{.OS}}.{{.Tag}}", dir).succeeded(), ref)

	published(t, openRegistry(), repo, "1", bothPlatforms())
	assert.DeepEqual(t, tags(t, openRegistry(), repo), []string{"1", "386.linux.1", "amd64.linux.1"})
}

func TestNoPlatformTags(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	dir := files{"Dockerfile": dockerfile(ownLayer)}.dir(t)

	c.build("-t", repo+":1", "--platform-tag", "none", dir).succeeded()

	for _, e := range engines {
		names := e.docker(t, "image", "ls", "--filter", "reference="+repo, "--format", "{{.Repository}}:{{.Tag}}")
		assert.Equal(t, names, repo+":1")
	}
}

func TestPlatformTagsThatCanNotWork(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	dir := files{"Dockerfile": dockerfile()}.dir(t)
	for template, word := range map[string]string{
		"{{.Tag}}":    "--platform-tag", // It would be the target itself.
		"{{.OS}}":     "--platform-tag", // Two platforms would have one tag.
		"none":        "--platform-tag", // These engines can't push what has no tag.
		"{{.Nought}}": "platform tag",
		"{{":          "platform tag",
		"a b":         "platform tag",
	} {
		c.build("--push", "-t", f.address+"/"+repo+":1", "--platform-tag", template, dir).failed(125, word)
	}
	assert.Equal(t, len(f.writes()), 0, "%q", f.writes())
}
