//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
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
	for _, args := range [][]string{nil, {"--platform", strings.Join(keys(all), ",")}} {
		c := newcomer(t)
		r := c.build(append(args, "--dry-run", dir)...).succeeded()
		assert.Check(t, r.waited < 12*time.Second, "it took %s", r.waited)
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
	assert.Check(t, r.waited < 12*time.Second, "it took %s", r.waited)
	for name := range hosts {
		want := map[bool]string{true: "dead", false: "ready"}[strings.HasPrefix(name, "dead-")]
		assert.Check(t, is.Equal(nodes[name].Status, want), "%+v", nodes[name])
	}
}

func keys(m map[string]string) (all []string) {
	for key := range maps.Keys(m) {
		all = append(all, key)
	}
	return all
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
		plan := c.dryRun("--platform", platform)
		assert.Check(t, is.Equal(plan[strings.TrimSuffix(strings.Replace(platform, "linux/arm/v7", "linux/arm/v7", 1), "/v8")]+plan["linux/arm/v7"],
			want), "%s: %v", platform, plan)
	}
}
