package node

import (
	"testing"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

func TestNodeEdit(t *testing.T) {
	t.Parallel()
	c := newCLI(t, "", "a", map[string]string{"a": "tcp://127.0.0.1:1", "b": "tcp://127.0.0.1:2", "c": "ssh://nobody@127.0.0.1"})
	for _, step := range []struct {
		args       []string
		file, says string
	}{
		{[]string{"exclude", "b", "c"}, "node:\n  b: {exclude: true}\n  c: {exclude: true}\n", "Nodes:    a\nExcluded: b, c\n"},
		{[]string{"include", "c"}, "node:\n  b: {exclude: true}\n", "Nodes:    a, c\nExcluded: b\n"},
		{[]string{"use", "c", "a"}, "nodes: explicit\nnode:\n  c:\n  a:\n  b: {exclude: true}\n", "Nodes:    c, a\nExcluded: b\n"},
		{[]string{"exclude", "a", "c"}, "nodes: explicit\nnode:\n  c:\n    exclude: true\n  a:\n    exclude: true\n  b: {exclude: true}\n", "Nodes:    none\nExcluded: c, a, b\n"},
	} {
		assert.NilError(t, c.node(t, step.args...))
		assert.Equal(t, c.configText(t), step.file)
		assert.Equal(t, c.err.String(), c.path()+"\n"+step.says)
		assert.Equal(t, c.out.String(), "")
	}
	before := c.configText(t)
	for _, verb := range []string{"exclude", "include", "use"} {
		err := c.node(t, verb, "a", "nobody")
		assert.ErrorIs(t, err, contexts.ErrUnknownContext)
		assert.ErrorContains(t, c.node(t, verb), "requires at least 1 argument")
	}
	assert.Equal(t, c.configText(t), before)
}

func TestNodeCompletion(t *testing.T) {
	t.Parallel()
	c := newCLI(t, "", "a", map[string]string{"a": "tcp://127.0.0.1:1", "b": "tcp://127.0.0.1:2"})
	for _, verb := range []string{"exclude", "include", "use", "inspect"} {
		assert.NilError(t, c.node(t, "__complete", verb, "a", ""))
		assert.Equal(t, c.out.String(), "b\ndefault\n:4\n")
	}
	assert.NilError(t, c.node(t, "__complete", "ls", ""))
	assert.Equal(t, c.out.String(), ":4\n")
}

// What docker was pointed at explicitly comes first, so the environment is the
// test's own.
func TestNodeConfig(t *testing.T) {
	t.Setenv("DOCKER_HOST", "")
	t.Setenv("DOCKER_CONTEXT", "")
	c := newCLI(t, `probe-timeout: 1s
nodes: explicit
node:
  b:
    platforms: [linux/arm64, linux/arm/v7]
    parallel: 3
    insecure: true
  c: {exclude: true}
`, "b", map[string]string{"a": "tcp://127.0.0.1:1", "b": "tcp://127.0.0.1:2", "c": "tcp://127.0.0.1:3"})
	assert.NilError(t, c.node(t, "config"))
	golden.Assert(t, c.stable(c.out.String()), "node-config.golden")
	assert.Equal(t, c.err.String(), c.path()+"\n")
	assert.NilError(t, c.node(t, "config", "--format", "json"))
	golden.Assert(t, c.stable(c.out.String()), "node-config.json.golden")
	t.Setenv("DOCKER_CONTEXT", "b")
	assert.NilError(t, c.node(t, "config", "--format", "{{.Setting}}={{.Value}} ({{.From}})"))
	golden.Assert(t, c.stable(c.out.String()), "node-config-env.golden")
}
