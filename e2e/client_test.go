//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// patience bounds every command, so that a product that hangs fails one test and not the suite.
const patience = 100 * time.Second

// client is one user's machine: a Docker config directory of its own, and an environment.
type client struct {
	t      *testing.T
	config string
	env    map[string]string
	tmp    string // For temporary files; whoever puts some there has to take them away.
	user   uint32 // The uid; 0 is root.
}

// newClient has the farm's contexts and no logins, and trusts the private registry's authority.
func newClient(t *testing.T) *client {
	t.Helper()
	c := &client{t: t, config: t.TempDir(), tmp: t.TempDir()}
	c.env = map[string]string{"SSL_CERT_FILE": farm.ca, "TMPDIR": c.tmp}
	// The farm may have more engines: of the same platforms, which would take
	// over where a test wants to see a failure.
	c.haveContexts("amd64", "i386")
	assert.NilError(t, os.Mkdir(filepath.Join(c.config, "cli-plugins"), 0o755))
	assert.NilError(t, os.Symlink(plugin, filepath.Join(c.config, "cli-plugins", "docker-multiarch")))
	return c
}

// configure sets one key of config.json.
func (c *client) configure(key string, value any) {
	c.t.Helper()
	file := filepath.Join(c.config, "config.json")
	all := map[string]any{}
	if text, err := os.ReadFile(file); !errors.Is(err, os.ErrNotExist) {
		assert.NilError(c.t, err)
		assert.NilError(c.t, json.Unmarshal(text, &all))
	}
	all[key] = value
	text, err := json.Marshal(all)
	assert.NilError(c.t, err)
	assert.NilError(c.t, os.WriteFile(file, text, 0o600))
}

// addContext makes a Docker context that may lead to anything.
func (c *client) addContext(name, host string) {
	c.t.Helper()
	c.docker("context", "create", name, "--docker", "host="+host).succeeded()
}

func (c *client) removeContext(name string) {
	c.t.Helper()
	c.docker("context", "rm", "-f", name).succeeded()
}

// environ is the environment of the tests without what would change docker's mind.
func (c *client) environ() []string {
	env := []string{"DOCKER_CONFIG=" + c.config, "NO_PROXY=*", "no_proxy=*"}
	for _, kv := range os.Environ() {
		key, _, _ := strings.Cut(kv, "=")
		_, own := c.env[key]
		if !own && !strings.HasPrefix(key, "DOCKER_") && !strings.HasPrefix(key, "BUILDKIT_") && !strings.EqualFold(key, "NO_PROXY") {
			env = append(env, kv)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.env)) {
		env = append(env, key+"="+c.env[key])
	}
	return env
}

// build runs docker multiarch build.
func (c *client) build(args ...string) result {
	c.t.Helper()
	return c.docker(append([]string{"multiarch", "build"}, args...)...)
}

// inspect runs docker multiarch inspect.
func (c *client) inspect(args ...string) result {
	c.t.Helper()
	return c.docker(append([]string{"multiarch", "inspect"}, args...)...)
}

// docker runs the docker command to its end.
func (c *client) docker(args ...string) result {
	c.t.Helper()
	return c.start(args...).wait()
}

// process is a docker command that runs, in a process group of its own.
type process struct {
	*client

	args []string
	cmd  *exec.Cmd
	out  string // The directory of its output.
}

// start starts the docker command.
func (c *client) start(args ...string) *process {
	c.t.Helper()
	return c.startAs("docker", args...)
}

// startAs starts a docker command of that name. Its output goes to files: with pipes, waiting for it would also wait for whatever it
// left running.
func (c *client) startAs(program string, args ...string) *process {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	c.t.Cleanup(cancel)
	p := &process{client: c, args: args, out: c.t.TempDir(), cmd: exec.CommandContext(ctx, program, args...)}
	p.cmd.Env = c.environ()
	p.cmd.Dir = c.t.TempDir()
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: &syscall.Credential{Uid: c.user, Gid: c.user}}
	p.cmd.Cancel = func() error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }
	stdout, err := os.Create(filepath.Join(p.out, "stdout"))
	assert.NilError(c.t, err)
	defer stdout.Close()
	stderr, err := os.Create(filepath.Join(p.out, "stderr"))
	assert.NilError(c.t, err)
	defer stderr.Close()
	p.cmd.Stdout, p.cmd.Stderr = stdout, stderr
	assert.NilError(c.t, p.cmd.Start())
	return p
}

// wait returns what became of the command. One that had to be killed has the code -1.
func (p *process) wait() result {
	p.t.Helper()
	started := time.Now()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		assert.NilError(p.t, err)
	}
	r := result{t: p.t, args: p.args, code: p.cmd.ProcessState.ExitCode(), waited: time.Since(started)}
	r.stdout, r.stderr = p.read("stdout"), p.read("stderr")
	assert.Check(p.t, !strings.Contains(r.stderr, "goroutine "), "it crashed: %s", r)
	if r.code != -1 {
		left, err := os.ReadDir(p.tmp)
		assert.NilError(p.t, err)
		assert.Check(p.t, len(left) == 0, "it left temporary files: %v", left)
	}
	return r
}

func (p *process) read(name string) string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.out, name))
	assert.NilError(p.t, err)
	return string(text)
}

// result is what a command left.
type result struct {
	t              *testing.T
	args           []string
	stdout, stderr string
	code           int
	waited         time.Duration
}

// String is for the messages of failing tests.
func (r result) String() string {
	return "docker " + strings.Join(r.args, " ") + "\nstdout:\n" + r.stdout + "\nstderr:\n" + r.stderr
}

// succeeded asserts exit code 0 and returns the result.
func (r result) succeeded() result {
	r.t.Helper()
	assert.Equal(r.t, r.code, 0, "%s", r)
	return r
}

// failed asserts the exit code, that nothing stands on standard output, which is for results, and what standard error says.
func (r result) failed(code int, says ...string) result {
	r.t.Helper()
	wrong := r.unsaid(says)
	if r.code != code {
		wrong = append(wrong, fmt.Sprintf("exit code %d, want %d", r.code, code))
	}
	if r.stdout != "" {
		wrong = append(wrong, "something on standard output")
	}
	assert.Check(r.t, len(wrong) == 0, "%s: %s", strings.Join(wrong, "; "), r)
	return r
}

// says asserts what is on standard error.
func (r result) says(words ...string) result {
	r.t.Helper()
	wrong := r.unsaid(words)
	assert.Check(r.t, len(wrong) == 0, "%s: %s", strings.Join(wrong, "; "), r)
	return r
}

func (r result) unsaid(words []string) (wrong []string) {
	for _, word := range words {
		if !strings.Contains(r.stderr, word) {
			wrong = append(wrong, fmt.Sprintf("no %q on standard error", word))
		}
	}
	return wrong
}

// lines are the lines of standard output.
func (r result) lines() []string {
	return strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
}
