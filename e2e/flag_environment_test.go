//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

func TestDefaultPlatformFromTheEnvironment(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	dir := files{"Dockerfile": telling(files{"machine": "uname -m"})}.dir(t)
	c.env["DOCKER_DEFAULT_PLATFORM"] = "linux/386"
	got := c.told([]string{"linux/386"}, dir)
	assert.DeepEqual(t, got["linux/386"], files{"machine": "i686"})
	// The flag is nearer.
	got = c.told(both, "--platform", "linux/amd64,linux/386", dir)
	assert.DeepEqual(t, got, map[string]files{"linux/amd64": {"machine": "x86_64"}, "linux/386": {"machine": "i686"}})
	c.env["DOCKER_DEFAULT_PLATFORM"] = "nonsense"
	c.build(dir).failed(125, "nonsense")
}

// A time for all that the build makes, as builds that can be repeated have it. Engines do with it what their age lets them.
func TestSourceDateEpoch(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.env["SOURCE_DATE_EPOCH"] = "1000000000"
	dir := files{"Dockerfile": strings.Replace(telling(files{"epoch": "echo $SOURCE_DATE_EPOCH"}), "RUN", "ARG SOURCE_DATE_EPOCH\nRUN", 1)}.dir(t)
	assert.DeepEqual(t, c.told(both, dir)["linux/386"], files{"epoch": "1000000000"})
	r := c.build("-o", t.TempDir(), dir).succeeded()
	for _, e := range engines {
		r.says("WARNING: SOURCE_DATE_EPOCH: node " + string(e) + " (engine " + e.version(t) + ") can't: it needs engine 24.0")
	}
	one := []string{"linux/386"}
	assert.DeepEqual(t, c.told(one, "--platform", one[0], "--build-arg", "SOURCE_DATE_EPOCH=2", dir)[one[0]], files{"epoch": "2"})

	s, args := newModern(t)
	s.env["SOURCE_DATE_EPOCH"] = "1000000000"
	r = s.push(append(args, s.dir("RUN true"))...).succeeded()
	digest := digestOf(t, r, s.ref())
	assert.Assert(t, !strings.Contains(r.stderr, "SOURCE_DATE_EPOCH"), "%s", r)
	for _, child := range published(t, openRegistry(), s.repo, digest, bothPlatforms()).Children {
		var config struct{ Created string }
		assert.NilError(t, json.Unmarshal(child.Config, &config))
		assert.Equal(t, config.Created, "2001-09-09T01:46:40Z")
	}
}

// The proxies of config.json are known to the steps, and are in no image.
func TestProxiesOfTheConfiguration(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	const proxy = "http://user:e2e-password@proxy.example:3128"
	s.configure("proxies", map[string]any{
		"default": map[string]string{"httpProxy": proxy, "noProxy": "127.0.0.1"},
		"unix://" + farm.root + "/engines/i386/docker.sock": map[string]string{"httpProxy": "http://other.example:3128"},
	})
	dir := s.dir(`RUN test "$http_proxy" = "$HTTP_PROXY" && echo "$http_proxy" | tr a-z A-Z > /proxy`)

	digestOf(t, s.push(dir).succeeded(), s.ref())

	for e, want := range map[engine]string{"amd64": proxy, "i386": "http://other.example:3128"} {
		assert.Equal(t, e.run(t, s.ref(), "cat", "/proxy"), strings.ToUpper(want), "%s", e)
	}
	for _, child := range published(t, openRegistry(), s.repo, tag, bothPlatforms()).Children {
		assert.Assert(t, !strings.Contains(string(child.Config), "example"), "%s", child.Config)
	}
	// What is typed is nearer. A proxy is no reason to run a step again.
	s.build("--no-cache", "--platform", "linux/386", "--build-arg", "HTTP_PROXY=http://typed.example", "--build-arg", "http_proxy=http://typed.example", "-t", s.ref(), dir).succeeded()
	assert.Equal(t, engine("i386").run(t, s.ref(), "cat", "/proxy"), "HTTP://TYPED.EXAMPLE")
}
