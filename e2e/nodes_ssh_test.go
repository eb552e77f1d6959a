//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// testSSH has the farm's ssh for itself: it counts connections and changes what the other side does.
func testSSH(t *testing.T) {
	t.Run("one connection", testOneConnection)
	t.Run("dropped", testDroppedSSH)
	t.Run("faults", testSSHFaults)
}

// sshFile is a path of the other side's files and of what the client of the farm reads.
func sshFile(name string) string { return filepath.Join(farm.root, "ssh", name) }

// sshAddress is where the farm's sshd listens.
func sshAddress(t *testing.T) string {
	t.Helper()
	config, err := os.ReadFile(sshFile("config"))
	assert.NilError(t, err)
	found := regexp.MustCompile(`HostName (\S+)\s+Port (\d+)`).FindSubmatch(config)
	assert.Assert(t, found != nil)
	return net.JoinHostPort(string(found[1]), string(found[2]))
}

// sshLog counts what sshd wrote down.
func sshLog(t *testing.T, word string) int {
	t.Helper()
	log, err := os.ReadFile(sshFile("log"))
	assert.NilError(t, err)
	return strings.Count(string(log), word)
}

// shortTemp gives the client a folder for temporary files whose name leaves room for a socket's: in a longer one ssh's socket
// would not be put, and what is left of it not be seen.
func (c *client) shortTemp() {
	c.t.Helper()
	dir, err := os.MkdirTemp("", "e2e-")
	assert.NilError(c.t, err)
	c.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c.tmp, c.env["TMPDIR"] = dir, dir
}

// Probe, build, session and push share one login, and nothing of it stays.
func testOneConnection(t *testing.T) {
	s := newNodeScene(t, "ssh")
	s.shortTemp()
	connections, logins := sshLog(t, "Connection from"), sshLog(t, "Accepted publickey")

	s.push("--platform", "linux/386", s.dir("COPY Dockerfile /copied", "RUN uname -m > /machine")).succeeded()

	assert.Equal(t, sshLog(t, "Connection from")-connections, 1)
	assert.Equal(t, sshLog(t, "Accepted publickey")-logins, 1)
	published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/386"}})
	waitForEnd(t, 10*time.Second, s.tmp) // ssh has the socket's path among its arguments; wait saw that the folder is empty.
}

// The connection breaks in the middle of a RUN: another node takes over.
func testDroppedSSH(t *testing.T) {
	s := newNodeScene(t, "ssh", "amd64")
	s.shortTemp()
	mark := newMark()
	p := s.startPush("--platform", "linux/386", s.dir("RUN sleep "+mark+"; true"))
	waitForSleep(t, mark)
	t.Cleanup(func() { farmCommand(t, "start", "ssh") })

	farmCommand(t, "kill", "ssh")

	waitForMove(t, mark, "amd64")
	endSleep(t, mark)
	r := p.wait().succeeded().says("Moved to amd64: linux/386 on ssh: build: lost the node")
	assert.Equal(t, published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/386"}}).Digest, digestOf(t, r, s.ref()))
	waitForEnd(t, 10*time.Second, s.tmp, mark)
}

// limit is how long nodes that can't be used may keep a user waiting, by the contract.
const limit = 12 * time.Second

// unusable asserts that a build on this endpoint ends in time, saying why it can't be used and what helps.
func unusable(t *testing.T, host string, setup func(c *client), says ...string) {
	t.Helper()
	c := newClient(t)
	c.haveContexts("amd64")
	c.shortTemp()
	c.addContexts(map[string]string{"far": host})
	if setup != nil {
		setup(c)
	}
	dir := files{"Dockerfile": dockerfile()}.dir(t)
	started := time.Now()
	r := c.build("--node", "far", "--dry-run", dir).failed(2, append(says, "far: ")...)
	assert.Check(t, time.Since(started) < limit, "it took %s: %s", time.Since(started), r)
	waitForEnd(t, 10*time.Second, c.tmp)
}

// sshOption has the client's ssh called with one more option, which counts before the farm's configuration.
func sshOption(option string) func(c *client) {
	return func(c *client) {
		dir := files{"ssh": fmt.Sprintf("#!/bin/sh\nexec %s/bin/ssh -o '%s' \"$@\"\n", farm.root, option)}.dir(c.t)
		assert.NilError(c.t, os.Chmod(filepath.Join(dir, "ssh"), 0o755))
		c.env["PATH"] = dir + ":" + os.Getenv("PATH")
	}
}

func testSSHFaults(t *testing.T) {
	t.Run("client", testSSHClientFaults)
	for name, test := range map[string]struct {
		profile string
		says    []string
	}{
		"no docker":             {"PATH=/usr/bin:/bin", []string{"no docker command", "PATH"}},
		"profile that prints":   {"echo 'Welcome home'", []string{"prints text", "interactive"}},
		"profile that waits":    {"/bin/busybox sleep 60", []string{"no answer"}},
		"profile that exits":    {"exit 3", []string{"exit status 3"}},
		"docker without engine": {"export DOCKER_HOST=unix:///nowhere.sock", []string{"no engine"}},
	} {
		t.Run(name, func(t *testing.T) {
			profile(t, test.profile)
			unusable(t, "ssh://farm-ssh", nil, test.says...)
		})
	}
	t.Run("MaxStartups", testMaxStartups)
	t.Run("sshd down", func(t *testing.T) {
		farmCommand(t, "stop", "ssh")
		t.Cleanup(func() { farmCommand(t, "start", "ssh") })
		unusable(t, "ssh://farm-ssh", nil, "refused")
	})
}

// testSSHClientFaults are those that do not change anything for others.
func testSSHClientFaults(t *testing.T) {
	address := sshAddress(t)
	key, err := os.ReadFile(sshFile("client_key.pub"))
	assert.NilError(t, err)
	other := files{"known_hosts": "[127.0.0.1]:" + address[strings.LastIndexByte(address, ':')+1:] + " " + string(key)}.dir(t)
	for name, test := range map[string]struct {
		host  string
		setup func(c *client)
		says  []string
	}{
		"unknown key":      {"ssh://root@localhost" + address[strings.LastIndexByte(address, ':'):], nil, []string{"the host key is not known", "known_hosts"}},
		"changed key":      {"ssh://farm-ssh", sshOption("UserKnownHostsFile " + other + "/known_hosts"), []string{"the host key changed", "ssh-keygen -R"}},
		"login refused":    {"ssh://farm-ssh", sshOption("PubkeyAuthentication no"), []string{"login refused", "Permission denied"}},
		"silence at login": {"ssh://root@" + silent(t), nil, []string{"no answer"}},
		"unknown host":     {"ssh://root@multiarch.invalid", nil, []string{"multiarch.invalid"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unusable(t, test.host, test.setup, test.says...)
		})
	}
}

// profile has the other side run a command before each of ours.
func profile(t *testing.T, command string) {
	t.Helper()
	file := sshFile("home/.bashrc")
	assert.NilError(t, os.WriteFile(file, []byte(command+"\n"), 0o644))
	t.Cleanup(func() { assert.NilError(t, os.Remove(file)) })
}

// A server that has too many logins under way turns others away. It is asked again, for as long as a user can wait.
func testMaxStartups(t *testing.T) {
	file := sshFile("sshd_config.d/startups.conf")
	assert.NilError(t, os.WriteFile(file, []byte("MaxStartups 1:100:1\n"), 0o644))
	restart := func() {
		farmCommand(t, "stop", "ssh")
		farmCommand(t, "start", "ssh")
	}
	t.Cleanup(func() {
		assert.NilError(t, os.Remove(file))
		restart()
	})
	restart()
	first, err := net.Dial("tcp", sshAddress(t)) // A login that never comes.
	assert.NilError(t, err)
	defer first.Close()
	_, err = first.Read(make([]byte, 1)) // Its greeting.
	assert.NilError(t, err)

	unusable(t, "ssh://farm-ssh", nil, "takes no more connections", "MaxStartups")

	c := newClient(t)
	c.haveContexts("ssh")
	const refused = "past MaxStartups"
	before := sshLog(t, refused)
	p := c.start("multiarch", "node", "ls", "--format", "{{.Status}} {{.Reason}}")
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if sshLog(t, refused) == before {
			return poll.Continue("it was not refused")
		}
		return poll.Success()
	}, poll.WithTimeout(10*time.Second), poll.WithDelay(10*time.Millisecond))
	first.Close()
	assert.Equal(t, strings.TrimSpace(p.wait().succeeded().stdout), "ready")
}
