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

// dryRun is the plan of a build that was not carried out.
func (c *client) dryRun(args ...string) map[string]string {
	c.t.Helper()
	dir := files{"Dockerfile": dockerfile()}.dir(c.t)
	return c.build(append(args, "--dry-run", dir)...).succeeded().plan()
}

// What the node commands write is what the next build goes by, and what a user wrote stays.
func TestNodeCommandsDecideWhoBuilds(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.haveContexts("amd64", "i386", "trixie")
	edit := func(args ...string) { c.docker(append([]string{"multiarch", "node"}, args...)...).succeeded() }
	c.nodesYAML("# mine", "node:", "  i386: # old but good", "    parallel: 2")
	both := map[string]string{"linux/amd64": "amd64 native", "linux/386": "i386 native"}
	assert.DeepEqual(t, c.dryRun(), both)

	edit("exclude", "amd64")
	assert.DeepEqual(t, c.dryRun(), map[string]string{"linux/amd64": "trixie native", "linux/386": "i386 native"})
	c.build("--dry-run", "--node", "amd64", t.TempDir()).failed(125) // Neither by mistake nor on purpose.
	edit("exclude", "i386")
	assert.DeepEqual(t, c.dryRun("--platform", "linux/386"), map[string]string{"linux/386": "trixie compatible"})
	edit("include", "amd64", "i386")
	assert.DeepEqual(t, c.dryRun(), both)

	edit("use", "trixie", "amd64")
	assert.DeepEqual(t, c.dryRun(), map[string]string{"linux/amd64": "trixie native"})
	edit("include", "i386")
	assert.DeepEqual(t, c.dryRun(), map[string]string{"linux/amd64": "trixie native", "linux/386": "i386 native"})

	text, err := os.ReadFile(filepath.Join(c.config, "multiarch.yaml"))
	assert.NilError(t, err)
	for _, word := range []string{"# mine", "# old but good", "parallel: 2", "explicit"} {
		assert.Check(t, is.Contains(string(text), word))
	}
	config := c.docker("multiarch", "node", "config", "--format", "{{.Node}} {{.Setting}} {{.Value}} {{.From}}").succeeded().stdout
	for _, line := range []string{"i386 parallel 2 multiarch.yaml:", "trixie exclude false ", "amd64 parallel 1 default", " context amd64 config.json"} {
		assert.Check(t, is.Contains(config, line))
	}
	c.docker("multiarch", "node", "exclude", "nobody").failed(125, "nobody")
}

// A mistake in the file is an error that names the line, whatever command reads it. Nothing is guessed, nothing ignored.
func TestMistakesInTheConfiguration(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.haveContexts("amd64", "i386")
	dir := files{"Dockerfile": dockerfile()}.dir(t)
	for _, test := range []struct {
		line  int
		says  string
		lines string
	}{
		{2, `unknown key "nods"`, "# comment\nnods: all"},
		{1, "nodes must be all or explicit", "nodes: some"},
		{3, "parallel must be a whole number", "node:\n  i386:\n    parallel: many"},
		{3, "insecure must be true or false", "node:\n  i386:\n    insecure: maybe"},
		{3, "linux/arm65", "node:\n  i386:\n    platforms: [linux/arm65]"},
		{3, `no such Docker context "i387" (did you mean "i386"?)`, "node:\n  amd64:\n  i387: {exclude: true}"},
		{3, "already in line 2", "node:\n  i386:\n  i386:"},
		{1, "probe-timeout must be a time", "probe-timeout: fast"},
		{2, "mapping", "node:\n  - i386"},
	} {
		c.nodesYAML(test.lines)
		for _, command := range [][]string{{"build", "--dry-run", dir}, {"node", "ls"}} {
			place := filepath.Join(c.config, "multiarch.yaml") + ":" + string(rune('0'+test.line)) + ": "
			c.docker(append([]string{"multiarch"}, command...)...).failed(125, place, test.says)
		}
	}
}

// What the user declares for a node counts: platforms that it runs itself, and how long it may take.
func TestDeclaredPlatforms(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.haveContexts("amd64", "i386")
	c.nodesYAML("node:", "  i386:", "    platforms: [linux/arm/v7]")
	assert.DeepEqual(t, c.dryRun("--platform", "linux/arm/v7"), map[string]string{"linux/arm/v7": "i386 compatible"})
	c.build("--dry-run", "--platform", "linux/arm/v6", files{"Dockerfile": dockerfile()}.dir(t)).failed(2, "no node for linux/arm/v6")
}

// An engine that docker itself is pointed at, in whichever way, is the only one that builds.
func TestOneEngineForOneCommand(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.haveContexts("amd64", "i386", "trixie")
	dir := files{"Dockerfile": dockerfile()}.dir(t)
	socket := "unix://" + filepath.Join(farm.root, "engines/i386/docker.sock")
	for name, test := range map[string]struct {
		key, value string
		global     []string
		node       string
	}{
		"-c":             {global: []string{"-c", "i386"}, node: "i386"},
		"--context":      {global: []string{"--context", "i386"}, node: "i386"},
		"-H":             {global: []string{"-H", socket}, node: "default"},
		"DOCKER_CONTEXT": {key: "DOCKER_CONTEXT", value: "i386", node: "i386"},
		"DOCKER_HOST":    {key: "DOCKER_HOST", value: socket, node: "default"},
	} {
		delete(c.env, "DOCKER_CONTEXT")
		delete(c.env, "DOCKER_HOST")
		if test.key != "" {
			c.env[test.key] = test.value
		}
		r := c.docker(append(test.global, "multiarch", "build", "--dry-run", dir)...).succeeded()
		assert.Check(t, is.DeepEqual(r.plan(), map[string]string{"linux/386": test.node + " native"}), "%s: %s", name, r)
		assert.Check(t, !strings.Contains(r.stderr, "amd64"), "%s: others were asked: %s", name, r)
		r = c.docker(append(test.global, "multiarch", "build", "--dry-run", "--node", "trixie", dir)...).succeeded()
		assert.Check(t, is.DeepEqual(r.plan(), map[string]string{"linux/amd64": "trixie native"}), "%s: --node does not count: %s", name, r)
	}
}
