//go:build e2e

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"github.com/docker-multiarch/docker-multiarch/e2e/standin"
)

// dead are endpoints that can't be used, each in a way of its own, and what has to be said of them.
func dead(t *testing.T) (hosts, reasons map[string]string) {
	t.Helper()
	hosts = map[string]string{
		"refused":    "tcp://127.0.0.1:1",
		"blackholed": blackhole(t),
		"silent":     "tcp://" + silent(t),
		"waiting":    "ssh://root@" + silent(t),
		"missing":    "unix://" + filepath.Join(t.TempDir(), "no.sock"),
		"mute":       standIn(t, &standin.Engine{Faults: standin.On("info", standin.Silence)}),
	}
	reasons = map[string]string{
		"refused": "Cannot connect", "blackholed": "no answer", "silent": "no answer", "waiting": "no answer",
		"missing": "no such file", "mute": "no answer",
	}
	return hosts, reasons
}

// Right about each, whatever it is, and about the dead ones in no more time than one of them takes.
func TestNodeLs(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.haveContexts("amd64", "i386", "modern", "ssh", "tls", "trixie")
	hosts, reasons := dead(t)
	c.addContexts(hosts)

	all, r := c.nodeLs()

	assert.Check(t, r.waited < limit, "it took %s", r.waited)
	assert.Equal(t, len(all), 6+len(hosts))
	for name, reason := range reasons {
		assert.Check(t, all[name].Status == "dead" && strings.Contains(all[name].Reason, reason), "%s: %+v", name, all[name])
	}
	for name, same := range map[string]string{"ssh": "i386", "trixie": "tls"} {
		assert.Check(t, is.Equal(all[name].Status, "unused"))
		assert.Check(t, is.Equal(all[name].Reason, "same engine as "+same))
	}
	for _, row := range matrix {
		n := all[row.context]
		store := "graphdriver"
		if row.store != "overlay2" {
			store = "containerd"
		}
		assert.Check(t, n.Platform == row.platform && strings.HasPrefix(n.Engine, row.version) && n.ImageStore == store && n.Builder == "buildkit", "%+v", n)
		assert.Check(t, n.Status == "ready" || n.Status == "unused", "%+v", n)
		assert.Check(t, is.Equal(n.Current, row.context == "amd64"))
		if row.platform == "linux/amd64" {
			assert.Check(t, is.DeepEqual(n.Compatible, []string{"linux/386"}))
		}
	}
}

// The table is for people: one line a node, the current one marked, the reason of a dead one in it.
func TestNodeLsTable(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.haveContexts("amd64", "i386")
	c.addContexts(map[string]string{"gone": "unix://" + filepath.Join(t.TempDir(), "no.sock")})

	lines := c.docker("multiarch", "node", "ls").succeeded().lines()

	assert.Equal(t, len(lines), 4)
	for i, want := range [][]string{
		{"NAME", "ENDPOINT", "STATUS", "PLATFORM", "ALSO", "ENGINE", "BUILDER", "IMAGE STORE", "CPUS/MEMORY", "PING"},
		{"amd64 *", "unix://", "ready", "linux/amd64", "linux/386", "20.10.", "buildkit", "graphdriver"},
		{"gone", "dead", "no such file"},
		{"i386", "ready", "linux/386"},
	} {
		for _, word := range want {
			assert.Check(t, is.Contains(lines[i], word))
		}
	}

	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-q"}, "amd64\ngone\ni386\n"},
		{[]string{"-q", "--filter", "status=dead"}, "gone\n"},
		{[]string{"-q", "--filter", "platform=linux/386"}, "amd64\ni386\n"},
		{[]string{"--filter", "name=i3", "--format", "{{.Name}}: {{.Status}} {{.Platform}}"}, "i386: ready linux/386\n"},
	} {
		assert.Check(t, is.Equal(c.docker(append([]string{"multiarch", "node", "ls"}, test.args...)...).succeeded().stdout, test.want), "%q", test.args)
	}
	c.docker("multiarch", "node", "ls", "--filter", "colour=red").failed(125, "colour")
}

// What its owner may want to change about a node.
func TestNodeInspectAdvises(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.haveContexts("amd64", "tls", "trixie")
	address := hostAddress(t)
	c.addContexts(map[string]string{
		"late":  standIn(t, &standin.Engine{ID: "late", Version: "99.0.0", SystemTime: time.Now().Add(-time.Hour).UTC().Format(time.RFC3339Nano)}),
		"plain": standInAt(t, &standin.Engine{ID: "plain", Version: "99.0.0"}, "tcp", address+":0"),
	})

	all, _ := c.nodeLs()

	for name, code := range map[string]string{"amd64": "engine-old", "trixie": "same-engine", "late": "clock", "plain": "plain-tcp"} {
		var codes []string
		for _, a := range all[name].Advice {
			codes = append(codes, a.Code)
		}
		assert.Check(t, is.Contains(codes, code), "%s", name)
		if code != "same-engine" { // For that others have to be asked.
			assert.Check(t, is.Contains(c.docker("multiarch", "node", "inspect", name).succeeded().stdout, code))
		}
	}
	c.docker("multiarch", "node", "inspect", "nobody").failed(125, "nobody")
}
