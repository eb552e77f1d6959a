//go:build e2e

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/standin"
)

// Engines that only the tests of nodes use: scripts/farm up amd64 i386 trixie modern ssh.
const (
	trixie engine = "trixie" // 26.1; also reached by TCP with TLS, as the context tls
	modern engine = "modern" // 28.5, with containerd's image store
)

// behind is the engine that a context of the farm reaches.
func behind(context string) engine {
	switch context {
	case "ssh":
		return "i386"
	case "tls":
		return trixie
	}
	return engine(context)
}

// haveContexts gives the client these of the farm's contexts and no others, the first as the current one, and a memory of its own.
func (c *client) haveContexts(names ...string) {
	c.t.Helper()
	c.env["XDG_STATE_HOME"] = c.t.TempDir()
	from, to := filepath.Join(farm.root, "docker-config", "contexts"), filepath.Join(c.config, "contexts")
	assert.NilError(c.t, os.RemoveAll(to))
	for _, name := range names {
		_, err := os.Stat(filepath.Join(from, "meta", contextFolder(name)))
		assert.NilError(c.t, err, "the farm has no %s; docs/farm.md tells how to get it", name)
		for _, part := range []string{"meta", "tls"} {
			folder := filepath.Join(part, contextFolder(name))
			if _, err := os.Stat(filepath.Join(from, folder)); err == nil {
				assert.NilError(c.t, os.CopyFS(filepath.Join(to, folder), os.DirFS(filepath.Join(from, folder))))
			}
		}
	}
	if len(names) > 0 {
		c.configure("currentContext", names[0])
	}
}

// contextFolder is where docker keeps a context.
func contextFolder(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// addContexts makes contexts as docker stores them: a hundred of them with `docker context create` would take long.
func (c *client) addContexts(hosts map[string]string) {
	c.t.Helper()
	for name, host := range hosts {
		text := fmt.Sprintf(`{"Name": %q, "Metadata": {}, "Endpoints": {"docker": {"Host": %q, "SkipTLSVerify": false}}}`, name, host)
		files{"meta.json": text}.write(c.t, filepath.Join(c.config, "contexts", "meta", contextFolder(name)))
	}
}

// nodesYAML writes multiarch.yaml.
func (c *client) nodesYAML(lines ...string) {
	c.t.Helper()
	files{"multiarch.yaml": strings.Join(lines, "\n") + "\n"}.write(c.t, c.config)
}

// newNodeScene is a scene on some of the farm's contexts.
func newNodeScene(t *testing.T, names ...string) *scene {
	t.Helper()
	return newNodeSceneAt(t, newFront(t), names...)
}

func newNodeSceneAt(t *testing.T, f *front, names ...string) *scene {
	t.Helper()
	s := newSceneAt(t, f)
	s.haveContexts(names...)
	s.alive = nil
	for _, name := range names {
		s.alive = append(s.alive, behind(name))
	}
	return s
}

// labelled are the images with a label, named or not.
func (e engine) labelled(t *testing.T, label string) []string {
	t.Helper()
	return strings.Fields(e.docker(t, "image", "ls", "-q", "--filter", "label="+label))
}

var planRow = regexp.MustCompile(`(?m)^(\S+/\S+) +(\S+) +\S+://\S+ +(native|compatible|emulated)\b`)

// plan reads the plan on standard error: of each platform its node, and how that builds it ("amd64 native").
func (r result) plan() map[string]string {
	plan := map[string]string{}
	for _, row := range planRow.FindAllStringSubmatch(r.stderr, -1) {
		plan[row[1]] = row[2] + " " + row[3]
	}
	return plan
}

// node is what `docker multiarch node ls --format json` says of a node.
type node struct {
	Name, Status, Reason, Platform, Engine, Builder, ImageStore string
	Current                                                     bool
	Compatible, Emulated                                        []string
	Parallel                                                    int
	Advice                                                      []struct{ Code, Text string }
}

// nodeLs lists the nodes by name.
func (c *client) nodeLs(args ...string) (map[string]node, result) {
	c.t.Helper()
	r := c.docker(append([]string{"multiarch", "node", "ls", "--format", "json"}, args...)...).succeeded()
	all := map[string]node{}
	for _, line := range r.lines() {
		var n node
		assert.NilError(c.t, json.Unmarshal([]byte(line), &n), "%s", line)
		all[n.Name] = n
	}
	return all, r
}

// standIn has a stand-in listen on a socket and returns its endpoint.
func standIn(t *testing.T, e *standin.Engine) string {
	t.Helper()
	return standInAt(t, e, "unix", filepath.Join(t.TempDir(), "sock"))
}

func standInAt(t *testing.T, e *standin.Engine, network, address string) string {
	t.Helper()
	s, err := e.Listen(t.Context(), network, address)
	assert.NilError(t, err)
	t.Cleanup(func() { s.Close() })
	return s.Host
}

// blackhole is the endpoint of a host that answers nothing: what is sent to it leaves this machine, and nobody there has the
// hardware address that it is sent to.
func blackhole(t *testing.T) string {
	t.Helper()
	host := net.ParseIP(hostAddress(t)).To4()
	lost := net.IPv4(host[0], host[1], host[2], 66).String()
	out, err := exec.Command("ip", "neigh", "replace", lost, "lladdr", "02:00:00:00:00:01", "dev", interfaceOf(t, host), "nud", "permanent").CombinedOutput()
	assert.NilError(t, err, "%s", out)
	return "tcp://" + lost + ":2375"
}

func interfaceOf(t *testing.T, ip net.IP) string {
	t.Helper()
	all, err := net.Interfaces()
	assert.NilError(t, err)
	for _, i := range all {
		addresses, err := i.Addrs()
		assert.NilError(t, err)
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
				return i.Name
			}
		}
	}
	t.Fatalf("no interface has %s", ip)
	return ""
}

// pid is the process that listens on the engine's socket: dockerd.
func (e engine) pid(t *testing.T) int {
	t.Helper()
	conn, err := net.Dial("unix", filepath.Join(farm.root, "engines", string(e), "docker.sock"))
	assert.NilError(t, err)
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	assert.NilError(t, err)
	var peer *syscall.Ucred
	assert.NilError(t, raw.Control(func(fd uintptr) {
		peer, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}))
	assert.NilError(t, err)
	return int(peer.Pid)
}
