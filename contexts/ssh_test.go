package contexts

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "ssh" {
		os.Exit(sshStandIn(os.Getenv("SSH_STAND_IN"), os.Args[1:]))
	}
	os.Exit(m.Run())
}

// sshStandIn is what the test program is under the name ssh: a stand-in for ssh
// that notes how it is called, logs in as the file "login" in dir says (a line
// for each attempt: "ok", or what ssh would write), and connects a channel to
// the engine in the file "engine", or writes what is in the file "channel".
func sshStandIn(dir string, args []string) int {
	log, err := os.OpenFile(filepath.Join(dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 3
	}
	fmt.Fprintln(log, strings.Join(args, " "))
	_ = log.Close()
	switch {
	case slices.Contains(args, "-O"):
		return 0
	case slices.Contains(args, "-f"):
		return logInStandIn(filepath.Join(dir, "login"))
	}
	if words, err := os.ReadFile(filepath.Join(dir, "channel")); err == nil {
		fmt.Fprint(os.Stderr, string(words))
		return 127
	}
	engine, err := os.ReadFile(filepath.Join(dir, "engine"))
	if err != nil {
		return 3
	}
	conn, err := net.Dial("unix", strings.TrimPrefix(string(engine), "unix://"))
	if err != nil {
		return 3
	}
	go func() { _, _ = io.Copy(conn, os.Stdin) }()
	_, _ = io.Copy(os.Stdout, conn)
	return 0
}

func logInStandIn(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 3
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	if rest != "" {
		_ = os.WriteFile(path, []byte(rest), 0o600)
	}
	if first == "ok" {
		return 0
	}
	fmt.Fprintln(os.Stderr, "Warning: something harmless.\n"+first)
	return 255
}

// sshNode is a node that is reached through the stand-in. Its tests change PATH
// and so can't be parallel.
func sshNode(t *testing.T, login string) (_ Nodes, dir string) {
	t.Helper()
	dir = t.TempDir()
	self, err := os.Executable()
	assert.NilError(t, err)
	assert.NilError(t, os.Symlink(self, filepath.Join(dir, "ssh")))
	t.Setenv("PATH", dir)
	t.Setenv("SSH_STAND_IN", dir)
	for name, text := range map[string]string{"login": login, "engine": engine{Info: linux("PI", "aarch64")}.start(t)} {
		assert.NilError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	nodes, err := Load(newStore(t, "pi", "unix:///nowhere/docker.sock", map[string]string{"pi": "ssh://me@pi:2222"}), "pi")
	assert.NilError(t, err)
	return nodes, dir
}

// called returns the calls of the stand-in with that argument.
func called(t *testing.T, dir, argument string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "log"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	assert.NilError(t, err)
	return slices.DeleteFunc(strings.Split(strings.TrimSpace(string(text)), "\n"), func(line string) bool {
		return !slices.Contains(strings.Fields(line), argument)
	})
}

func TestOneSSHLoginServesAllRequestsOfANode(t *testing.T) {
	nodes, dir := sshNode(t, "ok")
	assert.Equal(t, len(called(t, dir, "-N")), 0, "loading a node dials nobody")
	assert.NilError(t, nodes.Probe(t.Context(), nil))
	assert.NilError(t, nodes[0].Err)
	assert.Equal(t, nodes[0].Engine.ID, "PI")
	assert.Assert(t, !nodes[0].Local() && !nodes[0].Exposed())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { assert.Check(t, nodes[0].Alive(t.Context())) })
	}
	wg.Wait()

	logins := called(t, dir, "-N")
	assert.Equal(t, len(logins), 1)
	for _, option := range []string{"BatchMode=yes", "ControlMaster=yes", "ConnectTimeout=8", "-l me", "-p 2222", "-- pi"} {
		assert.Assert(t, strings.Contains(logins[0], option), "%s in %s", option, logins[0])
	}
	for _, channel := range called(t, dir, "dial-stdio") {
		assert.Assert(t, strings.Contains(channel, "ControlMaster=no"), channel)
	}

	control := nodes[0].link.dir
	assert.NilError(t, nodes.Close())
	assert.Equal(t, len(called(t, dir, "exit")), 1, "the shared connection is ended")
	_, err := os.Stat(control)
	assert.ErrorIs(t, err, os.ErrNotExist, "nothing is left behind")
}

func TestANodeThatWasNeverDialledIsClosedWithoutSSH(t *testing.T) {
	nodes, dir := sshNode(t, "ok")
	assert.NilError(t, nodes.Close())
	assert.Equal(t, len(called(t, dir, "-O")), 0)
}

func TestClosingNodesTwiceIsHarmless(t *testing.T) {
	nodes, _ := sshNode(t, "ok")
	assert.NilError(t, nodes.Close())
	assert.NilError(t, nodes.Close())
}

func TestLoadLeavesNothingBehindWhenItFails(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := newStore(t, "pi", "unix:///nowhere/docker.sock", map[string]string{"pi": "ssh://me@pi"})
	_, err := Load(s, "pi", "typo")
	assert.ErrorIs(t, err, ErrUnknownContext)
	left, err := os.ReadDir(dir)
	assert.NilError(t, err)
	assert.Equal(t, len(left), 0)
}

func TestAServerThatTakesNoMoreConnectionsIsAskedAgain(t *testing.T) {
	nodes, dir := sshNode(t, "kex_exchange_identification: Connection closed by remote host\nok")
	assert.NilError(t, nodes.Probe(t.Context(), nil))
	assert.NilError(t, nodes[0].Err)
	assert.Equal(t, len(called(t, dir, "-N")), 2)
	assert.NilError(t, nodes.Close())
}

func TestALoginThatIsRefusedIsNotTriedAgain(t *testing.T) {
	nodes, dir := sshNode(t, "me@pi: Permission denied (publickey).")
	assert.NilError(t, nodes.Probe(t.Context(), nil))
	assert.ErrorIs(t, nodes[0].Err, ErrSSHLogin)
	assert.Error(t, nodes[0].Err, "login refused: me@pi: Permission denied (publickey).")
	// The API client tries HEAD and GET.
	assert.Assert(t, len(called(t, dir, "-N")) <= 2)
	assert.Equal(t, len(called(t, dir, "dial-stdio")), 0)
	assert.NilError(t, nodes.Close())
}

func TestWhatIsWrongOnTheOtherSideIsTold(t *testing.T) {
	nodes, dir := sshNode(t, "ok")
	assert.NilError(t, os.WriteFile(filepath.Join(dir, "channel"), []byte("sh: docker: command not found\n"), 0o600))
	assert.NilError(t, nodes.Probe(t.Context(), nil))
	assert.ErrorIs(t, nodes[0].Err, ErrSSHNoDocker)
	assert.NilError(t, nodes.Close())
}

func TestAMachineWithoutSSH(t *testing.T) {
	nodes, dir := sshNode(t, "ok")
	assert.NilError(t, os.Remove(filepath.Join(dir, "ssh")))
	assert.NilError(t, nodes.Probe(t.Context(), nil))
	assert.ErrorIs(t, nodes[0].Err, ErrSSH)
	assert.NilError(t, nodes.Close())
}

func TestAnSSHEndpointThatCannotBeReadIsTheNodesErr(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"ssh://", "ssh://me:password@pi", "ssh://pi/path?query"} {
		nodes, err := Load(newStore(t, "pi", "unix:///nowhere/docker.sock", map[string]string{"pi": host}), "pi")
		assert.NilError(t, err)
		assert.Assert(t, nodes[0].Err != nil, host)
		assert.Assert(t, nodes[0].Client() == nil)
		assert.NilError(t, nodes.Close())
	}
}

func TestSSHFailuresAreToldApartByTheirWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		kind error
		want string
	}{
		{"@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@\nHost key verification failed.\r\n", ErrSSHHostKeyChanged, "the host key changed: Host key verification failed."},
		{"No ED25519 host key is known for pi and you have requested strict checking.\nHost key verification failed.", ErrSSHHostKeyUnknown, "the host key is not known: Host key verification failed."},
		{"me@pi: Permission denied (publickey,password).", ErrSSHLogin, "login refused: me@pi: Permission denied (publickey,password)."},
		{"Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures", ErrSSHLogin, "login refused: Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures"},
		{"kex_exchange_identification: read: Connection reset by peer", ErrSSHBusy, "the server takes no more connections: kex_exchange_identification: read: Connection reset by peer"},
		{"Exceeded MaxStartups", ErrSSHBusy, "the server takes no more connections: Exceeded MaxStartups"},
		{"command [ssh …] has exited with exit status 127, make sure the URL is valid: stderr=bash: docker: command not found\n", ErrSSHNoDocker, "no docker command on the other side: bash: docker: command not found"},
		{`net/http: HTTP/1.x transport connection broken: malformed HTTP response "Welcome to pi"`, ErrSSHChatty, `a login profile on the other side prints text: "Welcome to pi"`},
		{"ssh: Could not resolve hostname pi: Name or service not known", ErrSSH, "ssh failed: Could not resolve hostname pi: Name or service not known"},
		{"ssh: connect to host pi port 22: Connection refused", ErrSSH, "ssh failed: connect to host pi port 22: Connection refused"},
		{"", ErrSSH, "ssh failed"},
	} {
		err := sshError(c.text)
		assert.ErrorIs(t, err, c.kind, c.text)
		assert.Error(t, err, c.want)
	}
}

func TestTheControlSocketHasAShortName(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 20))
	assert.NilError(t, os.Mkdir(long, 0o700))
	t.Setenv("TMPDIR", long)
	dir, err := controlDir()
	assert.NilError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	assert.Assert(t, len(dir) <= longestSocketPath+len("/multiarch-1234567890"), dir)
	info, err := os.Stat(dir)
	assert.NilError(t, err)
	assert.Equal(t, info.Mode().Perm(), os.FileMode(0o700), "who can enter it can use the connection")
}
