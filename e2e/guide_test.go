//go:build e2e

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"
)

// Every command that the README and the guides show is run, page by page, from top to bottom in one shell. docs/testing.md tells
// what a page's blocks are, and what is put in the place of machines and registries that a test has not.
func TestGuides(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/guide/*.md")
	assert.NilError(t, err)
	for _, page := range append(pages, "../README.md") {
		t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) {
			t.Parallel()
			g := guide{client: newClient(t), repo: repository(t), far: "i386"}
			switch filepath.Base(page) {
			case "ssh-farm.md":
				g.far = "ssh"
			case "power.md":
				g.sleeping()
			}
			g.read(readFile(t, page))
			if filepath.Base(page) != "windows.md" { // Windows is played by stand-ins: see TestOneImageForLinuxAndWindows.
				assert.DeepEqual(t, unexcused(g.skipped), []string(nil))
			}
			g.run()
		})
	}
}

// The examples of docs/reference, which are those of the help texts, are run as two pages, those of build and all others, on what they
// take for granted.
func TestReferenceExamples(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("../docs/reference/*.md")
	assert.NilError(t, err)
	isBuild := func(page string) bool { return filepath.Base(page) == "docker_multiarch_build.md" }
	build := slices.DeleteFunc(slices.Clone(pages), func(page string) bool { return !isBuild(page) })
	t.Run("build", func(t *testing.T) {
		t.Parallel()
		runExamples(t, build, 7)
	})
	t.Run("others", func(t *testing.T) {
		t.Parallel()
		runExamples(t, slices.DeleteFunc(pages, isBuild), 34)
	})
}

// runExamples runs the examples of pages, which are at least so many.
func runExamples(t *testing.T, pages []string, least int) {
	t.Helper()
	g := guide{client: newClient(t), repo: repository(t), far: "i386"}
	g.read("```sh\n" + beforeExamples + "```\n")
	least += len(g.script)
	for _, page := range pages {
		switch strings.TrimSuffix(filepath.Base(page), ".md") {
		case "docker_multiarch_prune": // It asks, and the cache is other tests' too: see TestInstall.
		case "docker_multiarch_node_stop": // The engine stays: see the tests of nodes that sleep.
		default:
			g.read(readFile(t, page))
		}
	}
	assert.Assert(t, len(g.script) >= least, "%q", g.script)
	g.files["Dockerfile.arm64"] = "FROM busybox\nRUN uname -m\n"
	g.nodesYAML("node: {graviton: {platforms: [linux/386], start: ['true'], stop: ['true'], status: [echo, running]}}")
	g.run()
}

const beforeExamples = `docker context create graviton --docker host=ssh://me@graviton
docker context create production --docker host=ssh://me@graviton
docker context create staging --docker host=ssh://me@graviton
docker multiarch build --tag registry.example.com/app:1 --push --metadata-file metadata.json .
docker multiarch create --tag registry.example.com/app:1-amd64 registry.example.com/app:1-linux-amd64
docker multiarch create --tag registry.example.com/app:1-arm64 registry.example.com/app:1-linux-arm64
docker multiarch create --tag registry.example.com/app:1-riscv64 registry.example.com/app:1-linux-arm64
`

// guide is a page with what it shows.
type guide struct {
	*client

	repo    string
	far     string // The farm's context in the place of the machine that is not this one.
	script  []string
	skipped []string
	files   files
	cloud   string // The directory of the cloud's command, if the machine that is not this one sleeps in a cloud.
}

var (
	marker  = regexp.MustCompile(`^\s*<!-- (not run|file): (.*) -->$`)
	fence   = regexp.MustCompile("^\\s*```(\\w*)")
	ciShell = regexp.MustCompile(`^\s*(?:- )?(?:run: |sh ['"])?(docker .*?)['"]?$`)
	farmed  = regexp.MustCompile(`docker multiarch (?:build|inspect|create|copy|node)\b`)
)

// read takes the blocks of a page apart. The comment right before a block says what is special about it.
func (g *guide) read(text string) {
	if g.files == nil {
		g.files = files{}
	}
	var mark []string
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		if found := marker.FindStringSubmatch(lines[i]); found != nil {
			mark = found
			continue
		}
		opened := fence.FindStringSubmatch(lines[i])
		if opened == nil {
			continue
		}
		var block []string
		for i++; i < len(lines) && !fence.MatchString(lines[i]); i++ {
			block = append(block, lines[i])
		}
		commands := shellLines(opened[1], block)
		switch {
		case mark == nil:
			g.script = append(g.script, commands...)
		case mark[1] == "file":
			g.files[mark[2]] = strings.Join(block, "\n") + "\n"
		default:
			g.skipped = append(g.skipped, commands...)
		}
		mark = nil
	}
}

// shellLines are the commands of a block: after "$ " in a console, all lines of a script, and what the files of CI systems run.
func shellLines(language string, block []string) []string {
	var commands []string
	more := false
	for _, line := range block {
		switch language {
		case "sh":
			commands = append(commands, line)
		case "console":
			command, shown := strings.CutPrefix(strings.TrimSpace(line), "$ ")
			if shown || more {
				commands = append(commands, command)
				more = strings.HasSuffix(command, `\`)
			}
		case "yaml", "groovy":
			if found := ciShell.FindStringSubmatch(line); found != nil {
				commands = append(commands, found[1])
			}
		}
	}
	return commands
}

// unexcused are the commands among those that are not run for which there is no excuse: the farm has all they need.
func unexcused(skipped []string) []string {
	var found []string
	for _, command := range skipped {
		if farmed.MatchString(command) {
			found = append(found, command)
		}
	}
	return found
}

// once leaves out contexts that another block of the page has created: each is for a reader of its own.
func once(script []string) []string {
	created := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(script), func(command string) bool {
		again := created[command]
		created[command] = strings.HasPrefix(command, "docker context create ")
		return again
	})
}

// run runs the page's commands, with the farm in the place of the user's machines.
func (g *guide) run() {
	g.t.Helper()
	if len(g.script) == 0 {
		return
	}
	script := g.onFarm(strings.Join(once(g.script), "\n"))
	g.haveContexts()
	g.addContext("laptop", endpoint(g.t, "amd64"))
	g.configure("currentContext", "laptop")
	for _, name := range []string{"graviton", "pi"} {
		if regexp.MustCompile(`\b`+name+`\b`).MatchString(script) && !strings.Contains(script, "docker context create "+name) {
			g.addContext(name, endpoint(g.t, "i386"))
		}
	}
	dir := files{"Dockerfile": "FROM busybox\nLABEL run=" + run + " page=" + g.repo + "\nCOPY . /app\nRUN uname -m > /machine; printf '#!/bin/sh\\nuname -m\\n' >/bin/app; chmod +x /bin/app\nCMD [\"app\"]\n"}.dir(g.t)
	if settings, ok := g.files["~/.docker/multiarch.yaml"]; ok {
		delete(g.files, "~/.docker/multiarch.yaml")
		g.nodesYAML(g.onFarm(settings))
	}
	g.files.write(g.t, dir)
	g.rebase(dir)

	ctx, cancel := context.WithTimeout(g.t.Context(), 3*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euxo", "pipefail", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(g.environ(), "HOME="+g.config)
	if g.cloud != "" {
		cmd.Env = append(cmd.Env, "PATH="+g.cloud+":"+os.Getenv("PATH"))
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.CombinedOutput()
	assert.NilError(g.t, err, "%s", out)
}

// sleeping has the far machine in a cloud: its engine answers at an address of its own, a link to its socket, from when aws, a
// stand-in for the command of that name, starts it until aws stops it.
func (g *guide) sleeping() {
	g.t.Helper()
	g.cloud = g.t.TempDir()
	address := g.address()
	files{"aws": "#!/bin/sh -eu\ncase $2 in\n" +
		"start-instances) ln -sf " + strings.TrimPrefix(endpoint(g.t, "i386"), "unix://") + " " + address + ";;\n" +
		"stop-instances) rm -f " + address + ";;\n" +
		"describe-instances) if test -e " + address + "; then echo running; else echo stopped; fi;;\n" +
		"esac\n"}.write(g.t, g.cloud)
	assert.NilError(g.t, os.Chmod(filepath.Join(g.cloud, "aws"), 0o700))
}

// address is where the engine in the cloud answers while it runs.
func (g *guide) address() string { return filepath.Join(g.cloud, "docker.sock") }

// onFarm replaces names of machines, registries and architectures by those of the farm.
func (g *guide) onFarm(text string) string {
	return strings.NewReplacer(
		"registry.example.com", farm.registry+"/"+g.repo,
		"mirror.example.com", farm.registry+"/"+g.repo+"/mirror",
		"ssh://me@graviton", endpoint(g.t, g.far),
		"ssh://graviton", "unix://"+g.address(),
		"node stop graviton", "node stop --force graviton", // The containers of other tests are no reason to wait.
		"ssh://pi@raspberrypi", endpoint(g.t, g.far),
		"linux/arm64", "linux/386", "linux/arm/v7", "linux/386", "linux-arm64", "linux-386",
		"-arm64", "-386", "-armv7", "-386",
		"${{ github.ref_name }}", "1",
	).Replace(text)
}

// rebase has the files of a directory translated too, and Dockerfiles take the farm's base image.
func (g *guide) rebase(dir string) {
	g.t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	assert.NilError(g.t, err)
	for _, path := range paths {
		text := regexp.MustCompile(`(?m)^FROM (busybox|alpine)\S*`).ReplaceAllString(g.onFarm(readFile(g.t, path)), "FROM "+baseImage())
		assert.NilError(g.t, os.WriteFile(path, []byte(text), 0o600))
	}
}

// endpoint is where one of the farm's contexts leads.
func endpoint(t *testing.T, name string) string {
	t.Helper()
	return engine("amd64").docker(t, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", name)
}
