//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
	"gotest.tools/v3/poll"
)

func TestSecrets(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.env["E2E_SECRET"], s.env["own_name"] = "from-environment", "by-its-name"
	secrets := files{"file": "from-file", "other": "for-386"}.dir(t)
	at := func(name string) string { return filepath.Join(secrets, name) }
	mounts := "RUN --mount=type=secret,id=one --mount=type=secret,id=two --mount=type=secret,id=own_name cd /run/secrets && "
	dir := s.dir(mounts + "md5sum one two own_name > /sums && ls -l one | cut -c 1-10 > /mode")

	digestOf(t, s.push("--secret", "id=one,src="+at("file"), "--secret", "linux/386:id=one,src="+at("other"),
		"--secret", "id=two,env=E2E_SECRET", "--secret", "id=own_name", dir).succeeded(), s.ref())

	for e, one := range map[engine]string{"amd64": "from-file", "i386": "for-386"} {
		got := strings.Fields(e.run(t, s.ref(), "sh", "-c", "cat /sums /mode; ls /run/secrets"))
		for i, secret := range []string{one, "from-environment", "by-its-name"} {
			out, err := exec.Command("sh", "-c", "printf %s "+secret+" | md5sum").Output()
			assert.NilError(t, err)
			assert.Equal(t, got[2*i], strings.Fields(string(out))[0], "%s: %s", e, secret)
		}
		assert.DeepEqual(t, got[6:], []string{"-r--------"}) // And no secrets are in the image.
	}
	for _, child := range published(t, openRegistry(), s.repo, tag, bothPlatforms()).Children {
		assert.Assert(t, !regexp.MustCompile("from-|for-386|by-its-name").Match(child.Config), "%s", child.Config)
	}
}

func TestSecretsThatAreNotThere(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir("RUN --mount=type=secret,id=one,required=true cat /run/secrets/one")
	for _, value := range []string{"id=one,src=/nowhere/at all", "src=/etc/passwd,nought=1", "nonsense", "id=one,env=E2E_NOT_SET"} {
		s.push("--secret", value, dir).failed(125, "--secret")
	}
	s.unsent()
	// Nobody said where it is: the node that needs it says so.
	s.push(dir).failed(1, "one")
	s.unharmed()
}

// agent starts an ssh-agent with a key made for the test, and gives its socket and the key's public part.
func agent(t *testing.T) (socket, public, private string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // A socket's path is short.
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, os.RemoveAll(dir)) })
	private, socket = filepath.Join(dir, "key"), filepath.Join(dir, "socket")
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		out, err := cmd.CombinedOutput()
		assert.NilError(t, err, "%s", out)
		return strings.TrimSpace(string(out))
	}
	run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "throw-away", "-f", private)
	// It is not asked to put itself into the background, so the end of the test ends it.
	cmd := exec.CommandContext(t.Context(), "ssh-agent", "-D", "-a", socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	assert.NilError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	poll.WaitOn(t, poll.FileExists(socket), poll.WithTimeout(patience), poll.WithDelay(20*time.Millisecond))
	run("ssh-add", "-q", private)
	text, err := os.ReadFile(private + ".pub")
	assert.NilError(t, err)
	return socket, strings.Fields(string(text))[1], private
}

// askAgent is a program that asks the agent at $SSH_AUTH_SOCK for its keys.
const askAgent = `package main

import ("encoding/base64"; "encoding/binary"; "fmt"; "io"; "net"; "os")

func main() {
	c, err := net.Dial("unix", os.Getenv("SSH_AUTH_SOCK"))
	if err != nil { fmt.Println(err); return }
	c.Write([]byte{0, 0, 0, 1, 11})
	head := make([]byte, 9)
	io.ReadFull(c, head)
	if n := binary.BigEndian.Uint32(head[5:]); n == 0 { fmt.Println("no keys"); return }
	size := make([]byte, 4)
	io.ReadFull(c, size)
	key := make([]byte, binary.BigEndian.Uint32(size))
	io.ReadFull(c, key)
	fmt.Println(base64.StdEncoding.EncodeToString(key))
}
`

// buildAsk makes ask-ARCH of a directory's ask.go, for all architectures.
func buildAsk(t *testing.T, dir string) {
	t.Helper()
	for _, arch := range []string{"386", "amd64", "arm64"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "ask-"+arch), filepath.Join(dir, "ask.go"))
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+arch)
		out, err := cmd.CombinedOutput()
		assert.NilError(t, err, "%s", out)
	}
}

func TestSSHAgents(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	socket, public, _ := agent(t)
	otherSocket, otherPublic, otherKey := agent(t)
	dir := files{"ask.go": askAgent, "Dockerfile": dockerfile(
		"ARG TARGETARCH", "COPY ask-* /", "RUN --mount=type=ssh mkdir /told; /ask-$TARGETARCH > /told/default",
		"RUN --mount=type=ssh,id=second /ask-$TARGETARCH > /told/second",
		"FROM scratch", "COPY --from=base /told /",
	)}.dir(t)
	buildAsk(t, dir)
	c.env["SSH_AUTH_SOCK"] = socket

	got := c.told(both, "--ssh", "default", "--ssh", "second="+otherKey, dir)

	want := files{"default": public, "second": otherPublic}
	assert.DeepEqual(t, got, map[string]files{"linux/amd64": want, "linux/386": want})

	got = c.told(both, "--ssh", "second="+otherSocket, "--ssh", "default", "--ssh", "linux/386:default="+otherSocket, "--no-cache", dir)

	assert.DeepEqual(t, got, map[string]files{"linux/amd64": want, "linux/386": {"default": otherPublic, "second": otherPublic}})

	delete(c.env, "SSH_AUTH_SOCK")
	r := c.build("--ssh", "default", dir).failed(125, "--ssh")
	assert.Assert(t, is.Contains(r.stderr, "SSH_AUTH_SOCK"))
	c.build("--ssh", "default=/nowhere", dir).failed(125, "--ssh")
}
