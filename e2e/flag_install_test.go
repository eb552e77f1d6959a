//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// aliases are those of config.json.
func (c *client) aliases() map[string]string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.config, "config.json"))
	assert.NilError(c.t, err)
	var config struct{ Aliases map[string]string }
	assert.NilError(c.t, json.Unmarshal(text, &config))
	return config.Aliases
}

// After install docker's own words for building are ours.
func TestInstall(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	c.configure("psFormat", "table {{.ID}}") // What else is in the file stays.
	dir := files{"Dockerfile": dockerfile("RUN uname -m > /machine")}.dir(t)

	c.docker("multiarch", "install").succeeded()

	assert.DeepEqual(t, c.aliases(), map[string]string{"builder": "multiarch"})
	for i, build := range [][]string{{"build"}, {"image", "build"}, {"builder", "build"}, {"multiarch", "build"}} {
		name := repo + ":" + string(rune('a'+i))
		r := c.docker(append(build, "-t", name, dir)...).succeeded()
		var want []string
		for _, e := range []engine{"i386", "amd64"} {
			want = append(want, e.platform()+" "+string(e)+" "+e.image(t, name))
		}
		assert.DeepEqual(t, r.lines(), want)
	}
	for _, e := range engines {
		assert.Equal(t, e.run(t, repo+":a", "cat", "/machine"), e.machine())
	}
	// Nothing is named so. By age would take the cache of other tests: engine 20.10 removes what was not used again yet, however
	// new it is.
	r := c.docker("builder", "prune", "--force", "--filter", "id=none").succeeded()
	assert.Assert(t, is.Contains(r.stdout, "Total reclaimed space: "))
	c.docker("builder", "prune", "--filter", "id=none").failed(125, "y/N")
	c.docker("builder", "nonsense").failed(125, "nonsense")
	c.docker("multiarch", "install").succeeded()

	c.docker("multiarch", "uninstall").succeeded()

	assert.Equal(t, len(c.aliases()), 0)
	text, err := os.ReadFile(filepath.Join(c.config, "config.json"))
	assert.NilError(t, err)
	assert.Assert(t, is.Contains(string(text), "psFormat"))
	c.docker("multiarch", "uninstall").failed(125, "builder")
}

// Somebody else's alias is not taken away.
func TestUninstallOfAnotherBuilder(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.configure("aliases", map[string]string{"builder": "buildx"})
	c.docker("multiarch", "uninstall").failed(125, "buildx")
	assert.DeepEqual(t, c.aliases(), map[string]string{"builder": "buildx"})
}

func TestPruneAnEngineThatIsNotThere(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.addContext("gone", "unix://"+filepath.Join(t.TempDir(), "sock"))
	r := c.docker("--context", "gone", "multiarch", "prune", "--force")
	assert.Assert(t, r.code == 2 || r.code == 3, "%s", r)
	assert.Assert(t, strings.Contains(r.stderr, "gone"), "%s", r)
}
