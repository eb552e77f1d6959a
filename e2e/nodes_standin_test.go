//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"github.com/docker-multiarch/docker-multiarch/e2e/standin"
)

// hundred are the endpoints of a hundred nodes, every second of them dead, in one way or another.
func hundred(t *testing.T) map[string]string {
	t.Helper()
	machines := []string{"x86_64", "aarch64", "armv7l", "riscv64", "s390x"}
	lost, dumb := blackhole(t), "tcp://"+silent(t)
	hosts := map[string]string{}
	for i := range 50 {
		e := &standin.Engine{ID: fmt.Sprint("engine ", i), Architecture: machines[i%len(machines)], Delay: time.Duration(i) * time.Millisecond}
		hosts[fmt.Sprintf("live-%02d", i)] = standIn(t, e)
		hosts[fmt.Sprintf("dead-%02d", i)] = []string{lost, dumb, "unix://" + filepath.Join(t.TempDir(), "no.sock"), "tcp://127.0.0.1:1"}[i%4]
	}
	return hosts
}

// A hundred nodes cost no more time than one, and half of them dead no more than one dead.
func TestHundredNodes(t *testing.T) {
	t.Parallel()
	hosts := hundred(t)
	newcomer := func(t *testing.T) *client {
		c := newClient(t)
		c.haveContexts()
		c.addContexts(hosts)
		c.configure("currentContext", "live-01")
		return c
	}
	all := map[string]string{
		"linux/amd64": "live-00 native", "linux/arm64": "live-01 native", "linux/arm/v7": "live-02 native",
		"linux/riscv64": "live-03 native", "linux/s390x": "live-04 native",
	}
	dir := files{"Dockerfile": dockerfile()}.dir(t)

	// Without --platform every answer counts; with it as well, for the dead ones come first by name.
	for _, args := range [][]string{nil, {"--platform", strings.Join(slices.Sorted(maps.Keys(all)), ",")}} {
		c := newcomer(t)
		r := c.build(append(args, "--dry-run", dir)...).succeeded()
		assert.Check(t, r.waited < limit, "it took %s", r.waited)
		assert.Check(t, is.DeepEqual(r.plan(), all))
		assert.Check(t, is.Equal(strings.Count(r.stderr, "Not used: dead-"), 50))

		// A moment later the dead ones are known, and get less time.
		r = c.build(append(args, "--dry-run", dir)...).succeeded()
		assert.Check(t, r.waited < 4*time.Second, "it took %s", r.waited)
		assert.Check(t, is.DeepEqual(r.plan(), all))
	}

	// Where the answer does not hang on the dead ones, they cost nothing.
	c := newcomer(t)
	r := c.build("--dry-run", "--platform", "linux/arm64", dir).succeeded()
	assert.Check(t, r.waited < 3*time.Second, "it took %s", r.waited)
	assert.Check(t, is.DeepEqual(r.plan(), map[string]string{"linux/arm64": "live-01 native"}))

	nodes, r := newcomer(t).nodeLs()
	assert.Check(t, r.waited < limit, "it took %s", r.waited)
	for name := range hosts {
		want := map[bool]string{true: "dead", false: "ready"}[strings.HasPrefix(name, "dead-")]
		assert.Check(t, is.Equal(nodes[name].Status, want), "%+v", nodes[name])
	}
}

// What an engine says it is decides what it builds, to the variant.
func TestArchitectures(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.haveContexts()
	hosts := map[string]string{}
	for machine, platform := range map[string]string{
		"armv6l": "linux/arm/v6", "armv7l": "linux/arm/v7", "aarch64": "linux/arm64", "x86_64": "linux/amd64", "i686": "linux/386",
		"ppc64le": "linux/ppc64le", "s390x": "linux/s390x", "riscv64": "linux/riscv64", "loongarch64": "linux/loong64",
	} {
		hosts[strings.ReplaceAll(platform, "/", "-")] = standIn(t, &standin.Engine{ID: machine, Architecture: machine})
	}
	c.addContexts(hosts)
	for platform, want := range map[string]string{
		"linux/arm/v6": "linux-arm-v6 native", "linux/arm/v7": "linux-arm-v7 native", "linux/arm": "linux-arm-v7 native",
		"linux/arm64": "linux-arm64 native", "linux/arm64/v8": "linux-arm64 native", "linux/amd64": "linux-amd64 native",
		"linux/amd64/v3": "linux-amd64 compatible", "linux/386": "linux-386 native", "linux/ppc64le": "linux-ppc64le native",
		"linux/loong64": "linux-loong64 native",
	} {
		assert.Check(t, is.DeepEqual(slices.Collect(maps.Values(c.dryRun("--platform", platform))), []string{want}), "%s", platform)
	}

	c.addContexts(map[string]string{"linux-arm-v7": "unix:///nowhere"})
	dir := files{"Dockerfile": dockerfile()}.dir(t)
	r := c.build("--dry-run", "--platform", "linux/arm/v7", dir)
	r.failed(2, "no node for linux/arm/v7", "linux-arm-v6: is linux/arm/v6", "linux-arm64: is linux/arm64")
	c.nodesYAML("node:", "  linux-arm64:", "    platforms: [linux/arm/v7]") // Not every arm64 machine runs it; this one does.
	assert.DeepEqual(t, c.dryRun("--platform", "linux/arm/v7"), map[string]string{"linux/arm/v7": "linux-arm64 compatible"})
}

// Windows builds only what is asked for by that name, and what an engine says in one place and not in another counts as /info has it.
func TestWindowsAndContradictions(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.haveContexts()
	c.addContexts(map[string]string{
		"linux": standIn(t, &standin.Engine{ID: "linux", Workers: []string{"linux/arm64", "linux/amd64"}, Faults: standin.On("_ping",
			func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Ostype", "windows") })}),
		"windows": standIn(t, &standin.Engine{ID: "windows", OSType: "windows", OSVersion: "10.0.20348.2322", Builder: "1"}),
	})
	c.configure("currentContext", "linux")
	assert.DeepEqual(t, c.dryRun(), map[string]string{"linux/amd64": "linux native"})
	assert.DeepEqual(t, c.dryRun("--platform", "windows/amd64"), map[string]string{"windows/amd64": "windows native"})
	nodes, _ := c.nodeLs()
	assert.Equal(t, nodes["windows"].Platform+" "+nodes["windows"].Builder, "windows(10.0.20348.2322)/amd64 classic")
}

// Answers that make no sense make a dead node, and none of them hurts the others.
func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	info := func(text string) map[string]http.HandlerFunc { return standin.On("info", standin.Text(text)) }
	tests := map[string]struct {
		engine *standin.Engine
		says   string
	}{
		"broken ping":  {&standin.Engine{Faults: standin.On("_ping", standin.Status(500, "out of order"))}, "out of order"},
		"broken info":  {&standin.Engine{Faults: standin.On("info", standin.Status(500, "out of order"))}, "out of order"},
		"not json":     {&standin.Engine{Faults: info("<html>hello</html>")}, "invalid character"},
		"half json":    {&standin.Engine{Faults: info(`{"ID": "x", `)}, "EOF"},
		"other types":  {&standin.Engine{Faults: info(`{"ID": 1, "OSType": []}`)}, "cannot unmarshal"},
		"no ID":        {&standin.Engine{Faults: info(`{"OSType": "linux", "Architecture": "x86_64"}`)}, "no ID"},
		"no platform":  {&standin.Engine{Faults: info(`{"ID": "x"}`)}, "does not say what platform"},
		"nothing":      {&standin.Engine{Faults: info(`null`)}, "does not say what platform"},
		"hangs up":     {&standin.Engine{Faults: standin.On("info", standin.HangUp)}, "EOF"},
		"trickles":     {&standin.Engine{Faults: standin.On("info", standin.Trickle)}, "no answer within"},
		"slow":         {&standin.Engine{Delay: time.Minute}, "no answer within"},
		"old API":      {&standin.Engine{API: "1.12"}, "1.12"},
		"escape codes": {&standin.Engine{Faults: standin.On("info", standin.Status(500, `red \u001b[31m alert`))}, "alert"},
	}
	c := newClient(t)
	c.haveContexts("amd64")
	hosts := map[string]string{}
	for name, test := range tests {
		hosts[strings.ReplaceAll(name, " ", "-")] = standIn(t, test.engine)
	}
	c.addContexts(hosts)

	r := c.build("--dry-run", files{"Dockerfile": dockerfile()}.dir(t)).succeeded()
	all, ls := c.nodeLs()

	assert.DeepEqual(t, r.plan(), map[string]string{"linux/amd64": "amd64 native"})
	assert.Check(t, r.waited < limit, "it took %s", r.waited)
	assert.Check(t, !strings.ContainsRune(r.stderr+ls.stdout, 0x1b), "%q", r.stderr+ls.stdout)
	for name, test := range tests {
		n := all[strings.ReplaceAll(name, " ", "-")]
		assert.Check(t, n.Status == "dead" && strings.Contains(n.Reason, test.says), "%+v", n)
	}
}

// Emulation is never a surprise: what BuildKit claims counts only for who asks for it, and less than an engine of that architecture.
func TestEmulationIsAskedFor(t *testing.T) {
	t.Parallel()
	// The order in which a plain amd64 engine may list them.
	emulator := &standin.Engine{ID: "emulator", Workers: []string{"linux/arm64", "linux/amd64", "linux/arm/v7", "linux/386"}}
	c := newClient(t)
	c.haveContexts()
	c.addContexts(map[string]string{"emulator": standIn(t, emulator)})
	dir := files{"Dockerfile": dockerfile()}.dir(t)

	c.build("--dry-run", "--platform", "linux/arm64", dir).failed(2, "no node for linux/arm64", "emulator: is linux/amd64")
	assert.Equal(t, emulator.Asked("grpc"), 0)
	assert.DeepEqual(t, c.dryRun(), map[string]string{"linux/amd64": "emulator native"})
	assert.DeepEqual(t, c.dryRun("--emulate"), map[string]string{"linux/amd64": "emulator native"})
	emulated := map[string]string{"linux/amd64": "emulator native", "linux/arm64": "emulator emulated"}
	assert.DeepEqual(t, c.dryRun("--emulate", "--platform", "linux/amd64,linux/arm64"), emulated)
	assert.DeepEqual(t, c.dryRun("--emulate=linux/arm64", "--platform", "linux/amd64,linux/arm64"), emulated)
	assert.DeepEqual(t, c.dryRun("--emulate", "--platform", "linux/386"), map[string]string{"linux/386": "emulator compatible"})
	c.build("--dry-run", "--emulate=linux/arm/v7", "--platform", "linux/arm64", dir).failed(2, "no node for linux/arm64")
	c.build("--dry-run", "--emulate", "--platform", "linux/s390x", dir).failed(2, "no node for linux/s390x")

	c.addContexts(map[string]string{"zz-real": standIn(t, &standin.Engine{ID: "real", Architecture: "aarch64"})})
	assert.DeepEqual(t, c.dryRun("--emulate", "--platform", "linux/arm64"), map[string]string{"linux/arm64": "zz-real native"})
}
