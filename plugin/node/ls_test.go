package node

import (
	"slices"
	"strings"
	"testing"

	"github.com/docker/cli/opts"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/assert/cmp"
	"gotest.tools/v3/golden"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

func TestNodeLs(t *testing.T) {
	t.Parallel()
	c := farm(t)
	for _, test := range []struct{ golden, args string }{
		{"node-ls.golden", "ls"},
		{"node-ls-no-trunc.golden", "ls --no-trunc --filter name=refused"},
		{"node-ls.json.golden", "ls --format json"},
		{"node-ls-template.golden", "ls --format {{.Name}}={{.Status}}:{{.Compatible}}"},
	} {
		assert.NilError(t, c.node(t, strings.Fields(test.args)...))
		golden.Assert(t, c.stable(c.out.String()), test.golden)
		assert.Equal(t, c.err.String(), "")
	}
}

func TestNodeLsFilter(t *testing.T) {
	t.Parallel()
	c := farm(t)
	cfg, err := ReadConfig(c)
	assert.NilError(t, err)
	nodes, err := contexts.Load(c)
	assert.NilError(t, err)
	defer func() { _ = nodes.Close() }()
	views, err := probedViews(t.Context(), c, nodes, cfg)
	assert.NilError(t, err)
	for _, test := range []struct{ filters, want string }{
		{"", "pi laptop alias gone hostile refused silent mainframe"},
		{"status=ready", "pi laptop hostile"},
		{"status=dead", "gone refused silent"},
		{"status=unused", "alias"},
		{"status=excluded", "mainframe"},
		{"status=excluded status=unused", "alias mainframe"},
		{"name=la", "laptop"},
		{"platform=linux/386", "laptop alias"},
		{"platform=linux/arm64/v8", "pi"},
		{"platform=linux/arm", "pi"},
		{"engine=20.10", "pi"},
		{"engine=29.8.2 status=ready", "laptop"},
		{"engine=2", ""},
	} {
		flags := opts.NewFilterOpt()
		for filter := range strings.FieldsSeq(test.filters) {
			assert.NilError(t, flags.Set(filter))
		}
		filter, err := newFilter(flags.Value())
		assert.NilError(t, err)
		var names []string
		for _, v := range filter.apply(slices.Clone(views)) {
			names = append(names, v.Name)
		}
		assert.Check(t, cmp.Equal(strings.Join(names, " "), test.want), test.filters)
	}
}

func TestNodeLsQuietFiltered(t *testing.T) {
	t.Parallel()
	c := farm(t)
	assert.NilError(t, c.node(t, "ls", "-q", "-f", "status=ready", "-f", "platform=linux/arm64"))
	assert.Equal(t, c.out.String(), "pi\n")
}

func TestNodeLsQuietDialsNobody(t *testing.T) {
	t.Parallel()
	engine := &standIn{info: linuxInfo("A", "x86_64", "29.8.2")}
	c := newCLI(t, "", "a", map[string]string{"a": engine.start(t), "b": "tcp://192.0.2.1:2375"})
	assert.NilError(t, c.node(t, "ls", "-q"))
	assert.Equal(t, c.out.String(), "a\nb\n")
	assert.NilError(t, c.node(t, "ls", "-q", "-f", "name=b"))
	assert.Equal(t, c.out.String(), "b\n")
	assert.Equal(t, engine.asked.Load(), int32(0))
}

func TestNodeLsMistakes(t *testing.T) {
	t.Parallel()
	c := newCLI(t, "", "default", nil)
	for _, test := range []struct{ args, want string }{
		{"ls --filter colour=red", `invalid filter "colour"`},
		{"ls --filter status=up", "invalid filter status=up: a status is ready, dead, unused, excluded, asleep, starting, owed"},
		{"ls --filter platform=arm64", `invalid platform "arm64"`},
		{"ls --format {{.Nope}}", "invalid --format"},
	} {
		err := c.node(t, strings.Fields(test.args)...)
		assert.ErrorContains(t, err, test.want)
		assert.Assert(t, mistaken(err), "%v", err)
		assert.Equal(t, c.out.String(), "")
	}
}

func TestNodeConfigMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"node:\n  default: {insecur: true}\n", `:2: unknown key "insecur" (did you mean "insecure"?)`},
		{"node:\n  default:\n  nas:\n", `:3: no such Docker context "nas"`},
	} {
		c := newCLI(t, test.text, "default", nil)
		for _, args := range []string{"ls", "ls -q", "inspect default", "config"} {
			err := c.node(t, strings.Fields(args)...)
			assert.ErrorContains(t, err, c.path()+test.want)
			assert.Assert(t, misconfigured(err), "%v", err)
		}
	}
}
