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

// afterPlan is what standard error has after the plan, which is a table of a heading and a line for each platform.
func afterPlan(t *testing.T, r result) []string {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(r.stderr, "\n"), "\n")
	assert.Assert(t, len(lines) >= 3 && strings.HasPrefix(lines[0], "PLATFORM "), "%s", r)
	return lines[3:]
}

func TestProgress(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	dir := files{"Dockerfile": dockerfile("RUN uname -m")}.dir(t)
	build := func(mode string, args ...string) result {
		return c.build(append(args, "--push", "--no-cache", "--progress", mode, "-t", f.address+"/"+repo+":1", dir)...)
	}

	plain := build("plain").succeeded()
	for _, e := range engines {
		part := "[" + e.platform() + " " + string(e) + "]"
		plain.says("[2/2] RUN uname -m", "pushing "+f.address+"/"+repo+":1"+e.suffix(), e.machine())
		assert.Assert(t, is.Contains(plain.stderr, "\n"+part+" #"), "%s", plain)
	}
	assert.Assert(t, !strings.Contains(plain.stderr, "\x1b"), "%q", plain.stderr)
	assert.Assert(t, is.Contains(strings.Join(afterPlan(t, build("auto").succeeded()), "\n"), "RUN uname -m"))
	assert.Assert(t, is.Len(afterPlan(t, build("quiet").succeeded()), 0))

	lines := afterPlan(t, build("rawjson").succeeded())
	assert.Assert(t, len(lines) > 10)
	for _, line := range lines {
		assert.Assert(t, json.Valid([]byte(line)), "not JSON: %s", line)
	}

	before := len(f.writes())
	build("tty").failed(125, "tty") // Standard error is a file here.
	build("loud").failed(125, "auto|plain|tty|quiet|rawjson|github")
	assert.Equal(t, len(f.writes()), before)
}

// The log of each platform has all of it, and nothing of another.
func TestLogDir(t *testing.T) {
	t.Parallel()
	c, repo, dir := newClient(t), repository(t), filepath.Join(t.TempDir(), "logs")
	c.build("-q", "--log-dir", dir, "-t", repo, files{"Dockerfile": dockerfile("RUN uname -m; seq 1000")}.dir(t)).succeeded()
	for _, e := range engines {
		text, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(e.platform(), "/", "_")+".log"))
		assert.NilError(t, err)
		assert.Assert(t, is.Contains(string(text), " "+e.machine()+"\n"))
		assert.Assert(t, is.Contains(string(text), " 1000\n"))
		for line := range strings.Lines(string(text)) {
			assert.Assert(t, is.Contains(line, " ["+e.platform()+" "+string(e)+"] "))
		}
	}
}

// The mode of docker build's own variable is the default.
func TestProgressFromEnvironment(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	c.env["BUILDKIT_PROGRESS"] = "rawjson"

	r := c.build("-t", repo, files{"Dockerfile": dockerfile("RUN uname -m")}.dir(t)).succeeded()

	assert.Assert(t, json.Valid([]byte(afterPlan(t, r)[0])), "%s", r)
}
