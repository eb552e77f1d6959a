//go:build e2e

package e2e

import (
	"regexp"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

var imageID = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func TestBuildWithoutPush(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref := f.address + "/" + repo + ":1"

	r := c.build("-t", ref, "--build-arg", "BASE="+baseImage(), absolute(t, hello)).succeeded()

	var want []string
	for _, e := range []engine{"i386", "amd64"} {
		id := e.image(t, ref)
		assert.Assert(t, is.Regexp(imageID, id), "%s does not hold %s", e, ref)
		want = append(want, e.platform()+" "+string(e)+" "+id)
	}
	assert.DeepEqual(t, r.lines(), want)
	// The engine that docker itself uses runs it under the name that was given.
	id := strings.TrimSpace(c.docker("run", "--detach", "--network", "none", ref).succeeded().stdout)
	assert.Equal(t, engine("amd64").printed(t, id), "built on x86_64, running on x86_64")
	assert.Equal(t, len(f.Requests()), 0, "the registry was asked: %v", f.Requests())
}

func TestQuietBuildPrintsTheImageIDAlone(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	dir := files{"Dockerfile": dockerfile("RUN uname -m > /machine")}.dir(t)

	r := c.build("-q", "-t", repo, "--platform", "linux/386", dir).succeeded()

	assert.Equal(t, r.stdout, engine("i386").image(t, repo)+"\n")
	assert.Equal(t, r.stderr, "")
	assert.Equal(t, engine("i386").run(t, repo, "cat", "/machine"), "i686")
}

func TestBuildWithoutName(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	dir := files{"Dockerfile": dockerfile("RUN uname -m > /machine")}.dir(t)

	r := c.build("-q", "--platform", "linux/amd64", dir).succeeded()

	id := strings.TrimSpace(r.stdout)
	assert.Assert(t, is.Regexp(imageID, id))
	assert.Equal(t, engine("amd64").run(t, id, "cat", "/machine"), "x86_64")
}

// An explicit engine, as docker's own commands take it, is the only one that builds.
func TestExplicitContextBuildsThereAlone(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	dir := files{"Dockerfile": dockerfile("RUN uname -m > /machine")}.dir(t)

	r := c.docker("--context", "i386", "multiarch", "build", "-t", repo, dir).succeeded()

	assert.DeepEqual(t, r.lines(), []string{"linux/386 i386 " + engine("i386").image(t, repo)})
	assert.Equal(t, engine("amd64").image(t, repo), "")
}

func TestDryRunSendsNothing(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref := f.address + "/" + repo + ":1"
	dir := files{"Dockerfile": dockerfile("RUN uname -m > /machine")}.dir(t)

	r := c.build("--dry-run", "--push", "-t", ref, dir).succeeded()

	assert.Equal(t, len(f.writes()), 0, "the registry was written to: %q", f.writes())
	for _, e := range engines {
		assert.Equal(t, e.image(t, f.address+"/"+repo), "")
		assert.Assert(t, is.Regexp(`(?m)^`+e.platform()+` +`+string(e)+` +unix://\S+ +native$`, r.stderr))
	}
	assert.Equal(t, r.stdout, "")
}

func TestNodeFlagChoosesTheNodes(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref := f.address + "/" + repo + ":1"
	dir := files{"Dockerfile": dockerfile("RUN uname -m > /machine")}.dir(t)

	digestOf(t, c.build("-t", ref, "--push", "--node", "i386", dir).succeeded(), ref)

	want := bothPlatforms()
	want.Platforms = []string{"linux/386"}
	published(t, openRegistry(), repo, "1", want)
	assert.Equal(t, engine("amd64").image(t, f.address+"/"+repo), "")
}

// One node can build what its processor runs too: 386 on amd64, one after the other.
func TestOneNodeForTwoPlatforms(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref := f.address + "/" + repo + ":1"
	dir := files{"Dockerfile": dockerfile("ARG TARGETARCH", "RUN echo $TARGETARCH > /arch")}.dir(t)

	digestOf(t, c.build("-t", ref, "--push", "--node", "amd64", "--platform", "linux/amd64,linux/386", dir).succeeded(), ref)

	image := published(t, openRegistry(), repo, "1", bothPlatforms())
	amd64 := engine("amd64")
	assert.Equal(t, amd64.image(t, ref), image.Children[1].ConfigDigest, "docker run must find the engine's own platform under the name")
	assert.Equal(t, amd64.run(t, ref, "cat", "/arch"), "amd64")
	assert.Equal(t, amd64.run(t, ref+"-linux-386", "cat", "/arch"), "386")
	assert.Equal(t, engine("i386").image(t, f.address+"/"+repo), "")
}
