//go:build e2e

package e2e

import (
	"os"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// classicDir is a build context on which the two builders could differ: what is ignored, modes, links, directories, and the arguments
// that BuildKit defines by itself.
func classicDir(t *testing.T) string {
	t.Helper()
	dir := files{
		"Dockerfile": dockerfile("ARG TARGETARCH", "ARG TARGETPLATFORM", "ARG BUILDPLATFORM",
			"RUN echo $TARGETPLATFORM $BUILDPLATFORM > /arch-$TARGETARCH", "FROM scratch", "COPY --from=base /arch-* /", "COPY . /src/"),
		".dockerignore": "no\n**/*.o\nDockerfile\n", "no/file": "x", "a.o": "x", "d/b.o": "x", "d/kept": "kept", "run.sh": "#!/bin/sh\n",
	}.dir(t)
	assert.NilError(t, os.Chmod(dir+"/run.sh", 0o755))
	assert.NilError(t, os.Symlink("d/kept", dir+"/link"))
	assert.NilError(t, os.Mkdir(dir+"/empty", 0o700))
	return dir
}

// The classic builder on one engine beside BuildKit on the other make one image, and each makes of one Dockerfile what the other does.
func TestClassicBuilderBesideBuildKit(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	dir := classicDir(t)
	content := map[string]map[string]map[string]oracle.File{}
	for classic, tag := range map[string]string{"amd64": "a", "i386": "b"} {
		c.nodesYAML("node:", "  "+classic+":", "    builder: classic")
		ref := f.address + "/" + repo + ":" + tag
		// With --no-cache: looking for a cached step after FROM scratch, the classic builder goes through all images of its engine,
		// and fails when one of them, of any other test, is removed meanwhile (image/cache in moby).
		r := c.build("-t", ref, "--push", "--no-cache", "--progress", "plain", dir).succeeded()

		r.says("FROM scratch", "linux/"+map[string]string{"amd64": "amd64 amd64", "i386": "386 i386"}[classic]+"] #2 [1/")
		published(t, openRegistry(), repo, tag, bothPlatforms())
		assertOnePut(t, f, repo, tag, published(t, openRegistry(), repo, tag, bothPlatforms()))
		content[tag] = contentOf(t, openRegistry(), repo, tag)
	}
	assert.Assert(t, len(content["a"]["linux/amd64"]) > 5, "%v", content)
	assert.DeepEqual(t, content["a"], content["b"])
}

// What only BuildKit can do is refused before anything is sent, and so is what only the classic builder can do.
func TestClassicBuilderRefuses(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.nodesYAML("node:", "  i386:", "    builder: classic")
	for flag, args := range map[string][]string{
		"--annotation":    {"--annotation", "linux/386:a=b"},
		"--build-context": {"--build-context", "linux/386:a=docker-image://" + baseImage()},
		"--cache-to":      {"--cache-to", "type=inline"},
		"--secret":        {"--secret", "id=x,src=" + s.dir() + "/Dockerfile"},
	} {
		s.push(append(args, s.dir())...).failed(125, flag+": node i386", "it needs BuildKit")
	}
	s.push(s.dir("RUN --mount=type=cache,target=/c true")).failed(125, "RUN --mount in the Dockerfile: node i386", "it needs BuildKit")
	s.push("--memory", "linux/amd64:64m", s.dir()).failed(125, "--memory", "node amd64", "it needs the classic builder")
	s.unsent()
}

// A failing RUN and an interrupt end the build at the engine, and the tag stays.
func TestClassicBuilderFails(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.nodesYAML("node:", "  amd64:", "    builder: classic", "  i386:", "    builder: classic")
	s.push(s.dir("RUN "+onEach("exit 3", "true"))).failed(1, "linux/amd64 on amd64: build: ", "non-zero code: 3")
	s.push(files{"Dockerfile": "FROM " + farm.registry + "/no/such:1\n"}.dir(t)).failed(3, "base image "+farm.registry+"/no/such:1")

	mark := s.mark()
	p := s.startPush(s.dir("RUN sleep " + mark))
	waitForSleep(t, mark)
	assert.NilError(t, p.cmd.Process.Signal(syscall.SIGINT))
	started := time.Now()
	p.wait().failed(130)
	assert.Check(t, time.Since(started) < 5*time.Second, "%s", time.Since(started))
	waitForEnd(t, 20*time.Second, mark)
	s.sameTag()
	assert.Equal(t, s.front.TagPuts(s.repo, tag), 0)
}
