//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
	"gotest.tools/v3/poll"
)

// addProgram compiles a program that says what it was compiled for into a build context.
func addProgram(t *testing.T, dir, name, arch string) {
	t.Helper()
	src := filepath.Join(t.TempDir(), "main.go")
	assert.NilError(t, os.WriteFile(src, []byte("package main\n\nimport \"runtime\"\n\nfunc main() { println(runtime.GOARCH) }\n"), 0o600))
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, name), src)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	assert.NilError(t, err, "%s", out)
}

// containers are those of images with the scene's label, running or not.
func (s *scene) containers() (all []string) {
	s.t.Helper()
	for _, e := range s.alive {
		all = append(all, strings.Fields(e.docker(s.t, "ps", "-aq", "--filter", "label="+s.label))...)
	}
	return all
}

// verdicts are what inspect --verify says, by platform.
func verdicts(t *testing.T, r result) map[string]string {
	t.Helper()
	var view struct {
		Platforms []struct{ Platform, Verified string }
	}
	assert.NilError(t, json.Unmarshal([]byte(r.stdout), &view), "%s", r)
	all := map[string]string{}
	for _, p := range view.Platforms {
		all[p.Platform] = p.Verified
	}
	return all
}

// A program for amd64 that came into the image for 386 is noticed, by its header and by running it, and nothing is published.
func TestForeignProgram(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir("COPY app /app", "RUN ln -s ../app /bin/start", `ENTRYPOINT ["start"]`)
	addProgram(t, dir, "app", "amd64")

	s.push(dir).failed(4, "linux/386 on i386: verify: ", "entrypoint /bin/start is ELF for amd64", "--allow-foreign")
	s.unharmed()
	s.push("--verify=off", "--test", `["start"]`, dir).failed(1, "linux/386 on i386: test: ")
	s.unharmed()
	s.push("--verify", "strict", dir).failed(4, "entrypoint /bin/start is ELF for amd64")
	s.unharmed()
	assert.DeepEqual(t, s.containers(), []string(nil))

	s.push("--allow-foreign", "/bin/start", dir).succeeded()
	r := s.inspect("--verify", "--format", "json", s.ref())
	assert.Equal(t, r.code, 4, "%s", r)
	r.says("the image is for linux/386, but entrypoint /bin/start is ELF for amd64")
	assert.DeepEqual(t, verdicts(t, r), map[string]string{"linux/386": "foreign", "linux/amd64": "fits"})
	s.inspect("--verify", "--allow-foreign", "/bin/start", s.ref()).succeeded()
}

// What the classic builder built is verified and tested like all else.
func TestForeignProgramByTheClassicBuilder(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.nodesYAML("node:", "  amd64:", "    builder: classic", "  i386:", "    builder: classic")
	dir := s.dir("COPY app /app", `ENTRYPOINT ["/app"]`)
	addProgram(t, dir, "app", "amd64")

	s.push(dir).failed(4, "linux/386 on i386: verify: ", "entrypoint /app is ELF for amd64")
	s.push("--verify=off", "--test", `["/app"]`, dir).failed(1, "linux/386 on i386: test: ")
	s.sameTag()
	assert.Equal(t, s.front.TagPuts(s.repo, tag), 0)

	addProgram(t, dir, "app", "386") // It runs on amd64 too.
	digestOf(t, s.push("--verify=strict", "--test", `["/app"]`, dir).succeeded(), s.ref())
	published(t, openRegistry(), s.repo, tag, bothPlatforms())
	assert.DeepEqual(t, s.containers(), []string(nil))
}

// A foreign program that the image does not start is worth a warning, and a failure to who is strict.
func TestForeignProgramBeside(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir("COPY app /usr/local/bin/tool")
	addProgram(t, dir, "app", "amd64")

	r := s.push(dir).succeeded().says("Warning: linux/386 on i386: programs for other machines than linux/386: /usr/local/bin/tool (ELF for amd64)")
	assert.Equal(t, strings.Count(r.stderr, "Warning: "), 1, "%s", r)
	s.inspect("--verify", s.ref()).succeeded().says("/usr/local/bin/tool (ELF for amd64)")
	s.push("--verify", "strict", dir).failed(4, "/usr/local/bin/tool is ELF for amd64")
}

// Images of every form pass, on every age of engine: 386 fits amd64 too.
func TestProgramsThatFit(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{
		"shell form":   {"COPY app /bin/app", "CMD exec app --flag"},
		"from scratch": {"FROM scratch", "COPY app /app", `ENTRYPOINT ["/app"]`},
		"no command":   {"FROM scratch", "COPY app /app"},
		"a script":     {`RUN printf '#!/usr/bin/env sh\n' > /go && chmod +x /go && mkdir -p /usr/bin && ln -sf /bin/busybox /usr/bin/env`, `ENTRYPOINT ["/go"]`, `CMD ["ls"]`},
		"a volume":     {"RUN mkdir /data && echo x > /data/x", "VOLUME /data", `CMD ["sh"]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			dir := s.dir(lines...)
			addProgram(t, dir, "app", "386")
			r := s.push("--verify", "strict", dir).succeeded()
			assert.Assert(t, !strings.Contains(r.stderr, "Warning"), "%s", r)
			want := map[string]string{"linux/386": "fits", "linux/amd64": "fits"}
			if name == "no command" {
				want = map[string]string{"linux/386": "unknown", "linux/amd64": "unknown"}
			}
			assert.DeepEqual(t, verdicts(t, s.inspect("--verify=strict", "--format", "json", s.ref()).succeeded()), want)
			assert.DeepEqual(t, s.containers(), []string(nil))
		})
	}
}

// Tests run on the node that built the image, in its image, without a network, and leave nothing.
func TestTest(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir("RUN echo built-$(uname -m) > /built", `ENTRYPOINT ["/nowhere"]`)
	list := filepath.Join(t.TempDir(), "tests")
	assert.NilError(t, os.WriteFile(list, []byte("# what has to work\n\nlinux/386:echo from-file-$(uname -m)\n"), 0o600))

	r := s.push("--progress", "plain", "--test", "cat /built; ls /sys/class/net", "--test", `linux/amd64:["/bin/echo","words of","amd64"]`, "--test-file", list, dir).succeeded()

	r.says("built-x86_64", "built-i686", "words of amd64", "from-file-i686")
	assert.Assert(t, !strings.Contains(r.stderr, "from-file-x86_64") && !strings.Contains(r.stderr, "eth0"), "%s", r)
	assert.DeepEqual(t, s.containers(), []string(nil))
	s.push("--progress", "plain", "--test-network", "--test", "ls /sys/class/net", dir).succeeded().says("eth0")
}

// A test that fails, or does not end, or can't even begin, keeps everything from being published.
func TestTestThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"it fails on one":     {[]string{"--test", onEach("true", "echo why; exit 3")}, []string{"linux/386 on i386: test: ", "exit code: 3", "why"}},
		"it does not end":     {[]string{"--test-timeout", "300ms", "--test", "sleep 1000"}, []string{"test: ", "did not end within 300ms"}},
		"there is no such":    {[]string{"--test", `["/nowhere"]`}, []string{"test: ", "/nowhere"}},
		"it has no HEALTH":    {[]string{"--test-health"}, []string{"image has no HEALTHCHECK"}},
		"the second of three": {[]string{"--test", "true", "--test", "false", "--test", "echo third"}, []string{`"false": exit code: 1`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			r := s.push(append(c.args, s.dir())...)
			r.failed(1, c.says...)
			assert.Assert(t, !strings.Contains(r.stderr, "third\n"), "%s", r)
			s.unharmed()
			assert.DeepEqual(t, s.containers(), []string(nil))
		})
	}
	s := newScene(t)
	s.push("--test", "x", s.dir("FROM scratch", "COPY Dockerfile /")).failed(1, `--test '["/app","--version"]'`)
	s.push("--test", " ", s.dir()).failed(125, "--test")
	s.push("--test", "linux/s390x:x", s.dir()).failed(125, "linux/s390x is not built")
	s.build("--test", "x", "-o", t.TempDir(), s.dir()).failed(125, "--output")
	s.push("--verify", "maybe", s.dir()).failed(125, "--verify")
	s.push("--allow-foreign", "x", s.dir()).failed(125, "--allow-foreign")
}

// ^C ends a test at once, and its container.
func TestInterruptOfATest(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	mark := s.mark()
	p := s.startPush("--test", "sleep "+mark, s.dir())
	waitForSleep(t, mark)

	signal(t, -p.cmd.Process.Pid, syscall.SIGINT)

	r := p.wait()
	r.failed(130, "interrupted")
	assert.Assert(t, r.waited < 5*time.Second, "it took %s", r.waited)
	s.unharmed()
	assert.DeepEqual(t, s.containers(), []string(nil))
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	check := "HEALTHCHECK --interval=200ms --retries=1 CMD "
	dir := s.dir("HEALTHCHECK --interval=200ms --retries=100 CMD test -e /tmp/up || { echo not yet; exit 1; }", `CMD ["sh", "-c", "touch /tmp/up; exec sleep 1000"]`)
	s.push("--test-health", dir).succeeded()
	assert.DeepEqual(t, s.containers(), []string(nil))
	s.push("--test-health", s.dir(check+"echo broken; false", "CMD sleep 1000")).failed(1, "unhealthy: exit code 1: broken")
	s.push("--test-health", s.dir(check+"false", "CMD exit 7")).failed(1, "exit code 7")
	assert.DeepEqual(t, s.containers(), []string(nil))
}

// What a client that was killed left behind is removed by the next one, when its time is over and not before.
func TestLeftContainers(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	left := func(expires time.Time) string {
		return engines[0].docker(t, "create", "--label", "io.docker-multiarch.expires="+expires.UTC().Format(time.RFC3339), baseImage(), "true")
	}
	old, fresh := left(time.Now().Add(-time.Minute)), left(time.Now().Add(time.Hour))
	t.Cleanup(func() { engines[0].docker(t, "rm", "-f", fresh) })

	s.push(s.dir()).succeeded()

	var all string
	poll.WaitOn(t, func(poll.LogT) poll.Result { // Another test's build may be at it.
		if all = engines[0].docker(t, "ps", "-aq", "--no-trunc"); strings.Contains(all, old) {
			return poll.Continue("it is still there")
		}
		return poll.Success()
	}, poll.WithTimeout(patience), poll.WithDelay(50*time.Millisecond))
	assert.Assert(t, is.Contains(all, fresh))
}
