//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// checked is the documented format of check --format json.
type checked struct {
	Bases []struct {
		Stage, Image string
		Has          map[string]string
	}
	Findings []struct {
		Rule, Level string
		Line        int
	}
}

// checked reads what check --format json tells.
func (r result) checked() (report checked) {
	r.t.Helper()
	assert.NilError(r.t, json.Unmarshal([]byte(r.stdout), &report), "%s", r)
	return report
}

// rules are those of the findings.
func (c checked) rules() (all []string) {
	for _, f := range c.Findings {
		all = append(all, f.Rule)
	}
	return all
}

func TestCheckBaseImages(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	w := writeTo(t, repo)
	w.image("one", "amd64")
	w.list("both", "amd64", "386")
	base := farm.registry + "/" + repo
	check := func(dockerfile string, args ...string) result {
		t.Helper()
		dir := files{"Dockerfile": dockerfile}.dir(t)
		return c.docker(append(append([]string{"multiarch", "check", "--platform", "linux/amd64,linux/386"}, args...), dir)...)
	}

	good := check("FROM " + base + ":both\nCMD [\"/app\"]\n").succeeded()
	assert.Assert(t, len(good.stdout) > 0, "%s", good)

	bad := check("FROM "+base+":both AS build\nFROM "+base+":one\nCOPY --from=build /app /app\n", "--format", "json").says("1 error, 0 warnings")
	assert.Equal(t, bad.code, 4, "%s", bad)
	report := bad.checked()
	assert.DeepEqual(t, report.rules(), []string{"BaseLacksPlatform"})
	assert.Equal(t, report.Findings[0].Line, 2)
	assert.DeepEqual(t, report.Bases[0].Has, map[string]string{"linux/amd64": "yes", "linux/386": "yes"})
	assert.DeepEqual(t, report.Bases[1].Has, map[string]string{"linux/amd64": "yes", "linux/386": "no"})

	check("FROM "+base+":one\n", "--platform", "linux/amd64", "--offline").succeeded()
	missing := check("FROM " + base + ":missing\n").says(base + ":missing")
	assert.Equal(t, missing.code, 3, "%s", missing)
	check("RUN true\n").failed(1, "invalid Dockerfile")
	check("FROM "+base+":both\n", "--format", "xml").failed(125, "--format")
}

func TestBuildWarnsOfOneArchitecture(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	dir := files{"Dockerfile": dockerfile("RUN cd /usr/lib/x86_64-linux-gnu || true")}.dir(t)

	r := c.build("--platform", "linux/386,linux/amd64", "--dry-run", dir).succeeded()
	assert.Equal(t, strings.Count(r.stderr, "PathNamesPlatform"), 1, "%s", r)
	assert.Assert(t, is.Contains(r.stderr, "Dockerfile:4: /usr/lib/x86_64-linux-gnu"), "%s", r)

	native := c.build("--platform", "linux/amd64", "--dry-run", dir).succeeded()
	assert.Equal(t, strings.Count(native.stderr, "PathNamesPlatform"), 0, "%s", native)
}
