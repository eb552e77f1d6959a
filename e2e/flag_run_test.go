//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// telling is a Dockerfile whose last stage has nothing but what the commands print, each in the file /NAME.
func telling(commands files) string {
	script := "mkdir /told"
	for name, command := range commands {
		script += fmt.Sprintf("; { %s; } > /told/%s 2>&1", command, name)
	}
	return dockerfile("RUN "+script, "FROM scratch", "COPY --from=base /told /")
}

// told builds it and gives what was printed on each platform.
func (c *client) told(platforms []string, args ...string) map[string]files {
	c.t.Helper()
	out := filepath.Join(c.t.TempDir(), "out")
	c.build(append(args, "-o", out)...).succeeded()
	all := map[string]files{}
	for _, platform := range platforms {
		dir := out
		if len(platforms) > 1 {
			dir = filepath.Join(out, strings.ReplaceAll(platform, "/", "_"))
		}
		all[platform] = readFiles(c.t, dir)
	}
	return all
}

// readFiles reads all files of a directory, by name.
func readFiles(t *testing.T, dir string) files {
	t.Helper()
	all := files{}
	entries, err := os.ReadDir(dir)
	assert.NilError(t, err)
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		assert.NilError(t, err)
		all[entry.Name()] = strings.TrimSpace(string(text))
	}
	return all
}

var both = []string{"linux/amd64", "linux/386"}

// version is what the engine says of itself.
func (e engine) version(t *testing.T) string {
	t.Helper()
	return e.docker(t, "version", "--format", "{{.Server.Version}}")
}

func TestAddHost(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	dir := files{"Dockerfile": telling(files{"hosts": "cat /etc/hosts"})}.dir(t)

	got := c.told(both, "--add-host", "one:10.0.0.1", "--add-host", "linux/386:two:10.0.0.2", "--add-host", "six:2001:db8::6", dir)

	for platform, two := range map[string]bool{"linux/amd64": false, "linux/386": true} {
		hosts := strings.Join(strings.Fields(got[platform]["hosts"]), " ")
		assert.Assert(t, is.Contains(hosts, "10.0.0.1 one"))
		assert.Assert(t, is.Contains(hosts, "2001:db8::6 six"))
		assert.Equal(t, strings.Contains(hosts, "10.0.0.2 two"), two, "%s: %s", platform, hosts)
	}
	c.build("--add-host", "gateway:host-gateway", dir).failed(125, "--add-host with host-gateway", "node i386 (engine "+engine("i386").version(t)+")", "24.0")
	c.build("--add-host", "nothing", dir).failed(125, "--add-host")
}

// host-gateway is the address of its own machine for each node: the engine's bridge here.
func TestHostGateway(t *testing.T) {
	t.Parallel()
	c, args := newEngines(t)
	dir := files{"Dockerfile": telling(files{"hosts": "grep gateway /etc/hosts"})}.dir(t)

	got := c.told(both, append(args, "--add-host", "gateway:host-gateway", dir)...)

	gateway := map[string]string{}
	for platform, e := range map[string]engine{"linux/amd64": trixie, "linux/386": modern} {
		gateway[platform] = e.docker(t, "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
		assert.DeepEqual(t, strings.Fields(got[platform]["hosts"]), []string{gateway[platform], "gateway"})
	}
	assert.Assert(t, gateway["linux/amd64"] != gateway["linux/386"])

	// The classic builder of any age knows it.
	s := newClassic(t)
	s.build("-t", s.ref(), "--add-host", "gateway:host-gateway", s.dir("RUN grep gateway /etc/hosts > /hosts")).succeeded()
	for _, e := range engines {
		own := e.docker(t, "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
		assert.DeepEqual(t, strings.Fields(e.run(t, s.ref(), "cat", "/hosts")), []string{own, "gateway"})
	}
}

func TestNetworkOfRunSteps(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	tell := func() string {
		return files{"Dockerfile": telling(files{"net": "readlink /proc/self/ns/net", "links": "ls /sys/class/net"})}.dir(t)
	}

	none := c.told(both, "--network", "none", tell())
	mixed := c.told(both, "--network", "none", "--network", "linux/amd64:host", tell())
	usual := c.told(both, "--network", "default", tell())

	for _, e := range engines {
		own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", e.pid(t)))
		assert.NilError(t, err)
		assert.Equal(t, none[e.platform()]["links"], "lo")
		assert.Assert(t, none[e.platform()]["net"] != own)
		assert.Equal(t, mixed[e.platform()]["net"] == own, e == "amd64", "only amd64 was to have the host's network")
		assert.Assert(t, is.Contains(usual[e.platform()]["links"], "eth0"))
	}
	c.build("--network", "nonsense", tell()).failed(125, "--network", "nonsense")
}

// What older engines have no word for is refused there, and has its effect on newer ones.
func TestLimitsOfRunSteps(t *testing.T) {
	t.Parallel()
	dir := files{"Dockerfile": telling(files{
		"shm": "df -k /dev/shm | tail -n 1", "soft": "ulimit -Sn", "hard": "ulimit -Hn", "cgroup": "cat /proc/self/cgroup",
	})}.dir(t)
	flags := [][]string{{"--shm-size", "7m"}, {"--ulimit", "nofile=1000:2000"}, {"--cgroup-parent", "multiarch-e2e"}}
	for _, e := range []engine{trixie, modern} {
		c := newClient(t)
		c.haveContexts(string(e))
		args := []string{dir}
		for _, flag := range flags {
			args = append(args, flag...)
		}
		got := c.told([]string{"linux/amd64"}, args...)["linux/amd64"]
		assert.Equal(t, strings.Fields(got["shm"])[1], "7168", "%s", e)
		assert.Equal(t, got["soft"]+" "+got["hard"], "1000 2000", "%s", e)
		if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err != nil { // In the second version a step sees nothing above itself.
			assert.Assert(t, is.Contains(got["cgroup"], ":/multiarch-e2e/"), "%s", e)
		}
	}
	for _, flag := range flags {
		s := newScene(t)
		r := s.push(append(flag, s.dir())...).failed(125, flag[0])
		for _, e := range engines {
			r.says(string(e) + " (engine " + e.version(t) + ")")
		}
		s.unsent()
	}
}

// Not parallel: engine 20.10 was seen to forget a step in between when it was busy with the builds of others.
func TestNoCacheFilter(t *testing.T) {
	c := newClient(t)
	dir := files{"Dockerfile": dockerfile(
		"FROM base AS one", "RUN cat /proc/sys/kernel/random/uuid > /one",
		"FROM base AS two", "RUN cat /proc/sys/kernel/random/uuid > /two",
		"FROM scratch", "COPY --from=one /one /", "COPY --from=two /two /",
	)}.dir(t)

	first := c.told(both, dir)
	second := c.told(both, "--no-cache-filter", "one", dir)

	for _, platform := range both {
		assert.Assert(t, first[platform]["one"] != second[platform]["one"], "it came from the cache")
		assert.Equal(t, first[platform]["two"], second[platform]["two"], "it did not come from the cache")
	}
}
