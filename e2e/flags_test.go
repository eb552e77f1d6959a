//go:build e2e

package e2e

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

func TestBuildArgsLabelsAndTarget(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref := f.address + "/" + repo + ":1"
	c.env["FROM_ENV"] = "environment"
	dir := files{"Dockerfile": dockerfile(
		"ARG GIVEN=default", "ARG FROM_ENV=default", "ARG UNSET=default", "ARG EMPTY=default",
		`RUN echo "$GIVEN,$FROM_ENV,$UNSET,$EMPTY" > /args`,
		"FROM base AS wanted", "LABEL own=yes", "FROM base AS last", "RUN touch /last",
	)}.dir(t)

	c.build("-t", ref, "--push", "--target", "wanted", "--label", "a=1", "--label", "b=x=y", "--build-arg", "GIVEN=a b=c",
		"--build-arg", "FROM_ENV", "--build-arg", "UNSET", "--build-arg", "EMPTY=", dir).succeeded()

	for _, child := range published(t, openRegistry(), repo, "1", bothPlatforms()).Children {
		assert.DeepEqual(t, child.Labels, map[string]string{"a": "1", "b": "x=y", "own": "yes", "run": run})
		content, err := openRegistry().Files(t.Context(), repo, child)
		assert.NilError(t, err)
		_, last := content["last"]
		assert.Assert(t, !last, "a stage after the target was built")
	}
	for _, e := range engines {
		assert.Equal(t, e.run(t, ref, "cat", "/args"), "a b=c,environment,default,")
	}
}

// Not parallel: engine 20.10 was seen to forget a step in between when it was busy with the builds of others.
func TestNoCacheBuildsAnew(t *testing.T) {
	c, repo := newClient(t), repository(t)
	// Every image has a name, so that none is left dangling by the next one.
	dir := files{"Dockerfile": dockerfile("RUN cat /proc/sys/kernel/random/uuid > /id")}.dir(t)
	id := func(tag string, args ...string) string {
		c.build(append(args, "-t", repo+":"+tag, dir)...).succeeded()
		return engine("i386").run(t, repo+":"+tag, "cat", "/id")
	}

	first := id("1")
	assert.Equal(t, id("2"), first, "nothing changed, so the cache has it")
	assert.Assert(t, id("3", "--no-cache") != first, "it came from the cache")
}

// Engines take a base image that they hold already for good; --pull has them look whether its tag moved.
func TestPullFindsTheNewBaseImage(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	name := f.address + "/" + repo
	for _, version := range []string{"1", "2"} {
		dir := files{"Dockerfile": dockerfile("COPY version /"), "version": version}.dir(t)
		c.build("-t", name+":"+version, "--push", dir).succeeded()
	}
	// The tag 1 moves in the registry, behind the engines' backs.
	second := published(t, openRegistry(), repo, "2", oracle.Want{})
	writeTo(t, repo).manifest("1", second.MediaType, second.Raw)
	dir := files{"Dockerfile": "FROM " + name + ":1\nLABEL e2e=" + newMark()}.dir(t)

	c.build("-t", name+":old", dir).succeeded()
	c.build("-t", name+":new", "--pull", dir).succeeded()

	for _, e := range engines {
		assert.Equal(t, e.run(t, name+":old", "cat", "/version"), "1")
		assert.Equal(t, e.run(t, name+":new", "cat", "/version"), "2")
	}
}

func TestDockerfileOutsideTheContext(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	dir := files{"a": "right", "Dockerfile": "FROM scratch\nRUN wrong"}.dir(t)
	elsewhere := files{"My.Dockerfile": dockerfile("COPY a /a")}.dir(t)

	c.build("-t", repo, "-f", filepath.Join(elsewhere, "My.Dockerfile"), dir).succeeded()

	for _, e := range engines {
		assert.Equal(t, e.run(t, repo, "cat", "/a"), "right")
	}
}

// The image must not tell which way it was built: the config says what `docker build` would say.
func TestImageConfigIsThatOfDockerBuild(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	dir := files{"Dockerfile": dockerfile(
		"ENV A=1", "WORKDIR /w", "USER nobody", "EXPOSE 80", "VOLUME /v", "STOPSIGNAL SIGINT",
		`HEALTHCHECK CMD ["true"]`, `SHELL ["/bin/sh", "-ec"]`, `ENTRYPOINT ["echo"]`, `CMD ["hi"]`, "ONBUILD RUN true",
	)}.dir(t)
	amd64 := engine("amd64")

	c.build("-t", repo+":ours", dir).succeeded()
	dockerBuild(t, amd64, repo+":theirs", dir)

	configs := map[string]any{}
	for _, tag := range []string{"ours", "theirs"} {
		var config any
		assert.NilError(t, json.Unmarshal([]byte(amd64.docker(t, "image", "inspect", "--format", "{{json .Config}}", repo+":"+tag)), &config))
		configs[tag] = config
	}
	assert.DeepEqual(t, configs["ours"], configs["theirs"])
}
