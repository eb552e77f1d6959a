//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"
)

// newClassic is a scene on two engines that build with their classic builder.
func newClassic(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.nodesYAML("node:", "  amd64:", "    builder: classic", "  i386:", "    builder: classic")
	return s
}

// cgroup prints a limit of the first or the second version of control groups.
func cgroup(first, second string) string {
	return "cd /sys/fs/cgroup; cat " + second + " 2>/dev/null || cat " + first
}

// The classic builder's RUN steps have the limits that are asked for, of each platform its own.
func TestClassicLimits(t *testing.T) {
	t.Parallel()
	s := newClassic(t)
	told := files{
		"memory": cgroup("memory/memory.limit_in_bytes", "memory.max"), "swap": cgroup("memory/memory.memsw.limit_in_bytes", "memory.swap.max"),
		"shares": cgroup("cpu/cpu.shares", "cpu.weight"), "cpu": cgroup("cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us", "cpu.max"),
		"cpus": "grep Cpus_allowed_list /proc/self/status", "mems": "grep Mems_allowed_list /proc/self/status",
	}
	step := "RUN mkdir /told"
	for name, command := range told {
		step += "; { " + command + "; } > /told/" + name
	}

	s.build("-t", s.ref(), "--memory", "64m", "-m", "linux/386:96m", "--memory-swap", "128m", "--cpu-shares", "linux/386:512",
		"--cpu-period", "50000", "--cpu-quota", "25000", "--cpuset-cpus", "0", "--cpuset-mems", "0", s.dir(step)).succeeded()

	shares := map[string]bool{}
	for e, want := range map[engine]struct{ memory, swap, swapAlone string }{
		"amd64": {"67108864", "134217728", "67108864"}, "i386": {"100663296", "134217728", "33554432"},
	} {
		got := map[string]string{}
		for line := range strings.Lines(e.run(t, s.ref(), "sh", "-c", "cd /told; for f in *; do echo $f $(cat $f); done")) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			got[name] = value
		}
		assert.Equal(t, got["memory"], want.memory, "%s", e)
		assert.Assert(t, got["swap"] == want.swap || got["swap"] == want.swapAlone, "%s: %s", e, got["swap"])
		assert.Equal(t, got["cpu"], "25000 50000", "%s", e)
		assert.Equal(t, got["cpus"], "Cpus_allowed_list: 0", "%s", e)
		assert.Equal(t, got["mems"], "Mems_allowed_list: 0", "%s", e)
		shares[got["shares"]] = true
	}
	assert.Equal(t, len(shares), 2, "%v", shares)
}

// Containers of steps are kept for who asks, and removed otherwise.
func TestClassicContainers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flag string
		code int
		kept bool
	}{
		"usual":       {"--rm", 0, false},
		"kept":        {"--rm=false", 0, true},
		"failed":      {"--force-rm=false", 1, true},
		"forced":      {"--force-rm", 1, false},
		"compression": {"--compress", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newClassic(t)
			s.removeContainers()
			command := "cp /copied /again"
			if c.code != 0 {
				command = "false"
			}
			r := s.build("-t", s.ref(), c.flag, s.dir("COPY Dockerfile /copied", "RUN "+command))
			assert.Equal(t, r.code, c.code, "%s", r)
			// What a build leaves when it fails or is cancelled the engine removes after it has answered.
			poll.WaitOn(t, func(poll.LogT) poll.Result {
				if left := s.containers(); len(left) > 0 != c.kept {
					return poll.Continue("containers: %q", left)
				}
				return poll.Success()
			}, poll.WithTimeout(patience), poll.WithDelay(50*time.Millisecond))
			if c.code == 0 {
				for _, e := range engines {
					e.run(t, s.ref(), "cmp", "/copied", "/again")
				}
			}
		})
	}
}

// removeContainers removes the scene's containers when the test ends.
func (s *scene) removeContainers() {
	s.t.Cleanup(func() {
		for _, e := range s.alive {
			if ids := strings.Fields(e.docker(s.t, "ps", "-aq", "--filter", "label="+s.label)); len(ids) > 0 {
				e.docker(s.t, append([]string{"rm", "-f"}, ids...)...)
			}
		}
	})
}

// What an engine on Linux can't do it says itself, and nothing is published.
func TestClassicFlagsOfOtherEngines(t *testing.T) {
	t.Parallel()
	s := newClassic(t)
	for flag, says := range map[string]string{
		"--squash": "experimental", "--security-opt=seccomp=unconfined": "security options", "--isolation=process": "isolation",
	} {
		s.push(flag, s.dir()).failed(1, "build: ", says)
	}
	s.sameTag()
	assert.Equal(t, s.front.TagPuts(s.repo, tag), 0)
}

// BuildKit would ignore them, so a node that builds with it refuses them before anything is sent; what makes no difference to it is taken.
func TestClassicFlagsWithBuildKit(t *testing.T) {
	t.Parallel()
	s, version := newScene(t), engine("i386").version(t)
	for flag, value := range map[string]string{
		"isolation": "hyperv", "security-opt": "seccomp=unconfined", "memory": "64m", "memory-swap": "128m", "cpu-shares": "512",
		"cpu-period": "50000", "cpu-quota": "25000", "cpuset-cpus": "0", "cpuset-mems": "0",
	} {
		s.push("--"+flag, "linux/386:"+value, s.dir()).failed(125, "--"+flag[:3], "node i386 (engine "+version+")", "it needs the classic builder")
		s.push("--"+flag, "linux/arm64:"+value, s.dir()).failed(125, "--"+flag+" linux/arm64:", "is not built")
	}
	s.push("--squash", s.dir()).failed(125, "--squash: node ", "it needs the classic builder")
	s.push("--isolation", "nonsense", s.dir()).failed(125, "--isolation")
	s.push("--memory", "nonsense", s.dir()).failed(125, "--memory")
	s.push("--cpu-shares", "nonsense", s.dir()).failed(125, "--cpu-shares")
	s.unsent()

	s.push("--isolation=default", "--compress", "--rm", "--force-rm", s.dir()).succeeded()
	published(t, openRegistry(), s.repo, tag, bothPlatforms())
}
