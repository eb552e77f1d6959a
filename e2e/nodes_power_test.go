//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"
)

// cloud is a client whose i386 node sleeps: the commands in its settings start and stop the farm's engine, and write down that they did.
// Tests that have one must not be parallel.
type cloud struct {
	*client

	log string
}

// commands are what the cloud runs: each %s is the command that does it.
type commands struct{ start, stop, more string }

var usualCommands = commands{start: "%s", stop: "%s"}

func newCloud(t *testing.T, how commands) *cloud {
	t.Helper()
	c := &cloud{client: newClient(t)}
	c.log = filepath.Join(c.config, "log")
	c.env["XDG_STATE_HOME"] = t.TempDir()
	c.configurePower(how)
	return c
}

func (c *cloud) configurePower(how commands) {
	c.t.Helper()
	for name, line := range map[string]string{"start": how.start, "stop": how.stop} {
		if strings.Contains(line, "%s") {
			line = fmt.Sprintf(line, fmt.Sprintf("echo %s >> log; MULTIARCH_FARM_NUMBER=%s %s %[1]s i386", name, os.Getenv("MULTIARCH_FARM_NUMBER"), farm.command))
		}
		assert.NilError(c.t, os.WriteFile(filepath.Join(c.config, name+".sh"), []byte(line+"\n"), 0o600))
	}
	settings := "node:\n  i386:\n    platforms: [linux/386]\n    start: [/bin/sh, start.sh, \"{name}\"]\n    stop: [/bin/sh, stop.sh]\n" + how.more
	assert.NilError(c.t, os.WriteFile(c.settings(), []byte(settings), 0o600))
}

func (c *cloud) settings() string { return filepath.Join(c.config, "multiarch.yaml") }

func (c *cloud) logged() string {
	text, _ := os.ReadFile(c.log)
	return strings.Join(strings.Fields(string(text)), " ")
}

func (c *cloud) debts() []string {
	files, err := filepath.Glob(filepath.Join(c.env["XDG_STATE_HOME"], "docker-multiarch/power/*/*/debt.json"))
	assert.NilError(c.t, err)
	return files
}

// asleep waits until the engine is down and nothing is owed, within the two minutes that a stop may take.
func (c *cloud) asleep() {
	c.t.Helper()
	poll.WaitOn(c.t, func(poll.LogT) poll.Result {
		if debts := c.debts(); len(debts) > 0 {
			return poll.Continue("owed: %v", debts)
		}
		if _, err := engine("i386").try("version"); err == nil {
			return poll.Continue("it runs")
		}
		return poll.Success()
	}, poll.WithTimeout(2*time.Minute), poll.WithDelay(50*time.Millisecond))
}

var platformsOfBoth = []string{"--platform", "linux/amd64,linux/386"}

// A node that sleeps is started for the platform that was asked for, builds, and sleeps again.
func TestSleepingNode(t *testing.T) { // not parallel: i386 is down
	engine("i386").disturb(t, "stop")
	c := newCloud(t, usualCommands)
	ref := farm.registry + "/" + repository(t) + ":" + tag
	dir := files{"Dockerfile": dockerfile("RUN uname -m > /m")}.dir(t)

	// Nobody asked for its platform.
	c.build("-t", ref, "--push", dir).succeeded().says("i386: asleep")
	assert.Equal(t, c.logged(), "")
	c.build(append(platformsOfBoth, "-t", ref, "--no-hooks", "--dry-run", dir)...).succeeded()
	assert.Equal(t, c.logged(), "")

	r := c.build(append(platformsOfBoth, "-t", ref, "--push", dir)...).succeeded().says("Stopped node i386")
	assert.Equal(t, c.logged(), "start stop")
	c.asleep()
	digestOf(t, r, ref)
	images := c.inspect(ref).succeeded().stdout
	assert.Assert(t, strings.Contains(images, "linux/386") && strings.Contains(images, "linux/amd64"), images)

	// By hand it stays up, whatever is built there meanwhile.
	c.docker("multiarch", "node", "start", "i386").succeeded().says("no dead-man timer")
	c.build(append(platformsOfBoth, "-t", ref, dir)...).succeeded()
	assert.Equal(t, c.logged(), "start stop start")
	c.docker("multiarch", "node", "stop", "i386").succeeded()
	c.asleep()
}

// Wherever the client is killed, the node is stopped.
func TestKilledClientLeavesNoNodeRunning(t *testing.T) { // not parallel: i386 is down
	engine("i386").disturb(t, "stop")
	const kill = "kill -9 $PPID; "
	for name, how := range map[string]commands{
		"before the start": {start: kill + "%s", stop: "%s"},
		"after the start":  {start: "%s; " + kill, stop: "%s"},
		"in a RUN":         usualCommands,
		"before the stop":  {start: "%s", stop: "test -e killed || { touch killed; " + kill + "}; %s"},
		"after the stop":   {start: "%s", stop: "%s; test -e killed || { touch killed; " + kill + "}"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, how)
			line, mark := "RUN true", newMark()
			if how == usualCommands {
				line = "RUN sleep " + mark
			}
			p := c.start("multiarch", "build", "--platform", "linux/386", "-t", repository(t), files{"Dockerfile": dockerfile(line)}.dir(t))
			if how == usualCommands {
				waitForSleep(t, mark)
				assert.NilError(t, syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL))
			}
			assert.Assert(t, p.wait().code != 0)
			c.asleep()
			assert.Assert(t, strings.HasSuffix(c.logged(), "stop"), c.logged())
		})
	}
}

// An interrupted build does not wait for the stop, which happens all the same.
func TestInterruptedBuildStopsItsNode(t *testing.T) { // not parallel: i386 is down
	engine("i386").disturb(t, "stop")
	c := newCloud(t, usualCommands)
	mark := newMark()
	p := c.start("multiarch", "build", "--platform", "linux/386", "-t", repository(t), files{"Dockerfile": dockerfile("RUN sleep " + mark)}.dir(t))
	waitForSleep(t, mark)
	assert.NilError(t, syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT))
	r := p.wait().failed(130, "Node i386 is stopped in the background")
	assert.Assert(t, r.waited < 5*time.Second, "it took %s", r.waited)
	c.asleep()
}

// A node that does not start is a node that is lost; what can't be stopped is said, every time.
func TestCommandsThatMisbehave(t *testing.T) { // not parallel: i386 is down
	engine("i386").disturb(t, "stop")
	for name, tt := range map[string]struct {
		how  commands
		says string
	}{
		"fails":          {commands{start: "echo no capacity; exit 1", stop: "true"}, "no capacity"},
		"lies":           {commands{start: "true", stop: "true", more: "    wait: 1s\n"}, "no answer within 1s"},
		"floods, forks":  {commands{start: "sleep 1000 & yes | head -c 9000000; exit 1", stop: "true"}, "command failed"},
		"other platform": {commands{start: "%s", stop: "%s", more: "    parallel: 1\n"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, tt.how)
			if tt.says == "" {
				text, err := os.ReadFile(c.settings())
				assert.NilError(t, err)
				assert.NilError(t, os.WriteFile(c.settings(), []byte(strings.ReplaceAll(string(text), "linux/386", "linux/arm64")), 0o600))
				c.build("--platform", "linux/arm64", "-t", repository(t), files{"Dockerfile": dockerfile()}.dir(t)).
					failed(3, "not what its platforms say", "linux/386")
			} else {
				r := c.build("--platform", "linux/386", "-t", repository(t), files{"Dockerfile": dockerfile()}.dir(t)).succeeded()
				r.says("Moved to amd64", tt.says)
				assert.Assert(t, len(r.stderr) < 20_000)
			}
			c.asleep()
		})
	}

	c := newCloud(t, commands{start: "%s", stop: "echo no such machine; exit 1"})
	c.build("--platform", "linux/386", "-t", repository(t), files{"Dockerfile": dockerfile()}.dir(t)).succeeded().
		says("Not stopped yet: node i386", "no such machine")
	c.docker("multiarch", "node", "ls", "--format", "{{.Name}}={{.Status}}").succeeded().says("Not stopped yet: node i386")
	c.docker("multiarch", "node", "gc").failed(3, "no such machine")
	c.configurePower(usualCommands)
	c.docker("multiarch", "node", "gc").succeeded()
	c.asleep()
}

// Commands come from the user's own settings alone.
func TestPlantedCommandsAreNotRun(t *testing.T) { // not parallel: i386 is down
	engine("i386").disturb(t, "stop")
	for name, plant := range map[string]func(c *cloud, dir string){
		"in the build context": func(c *cloud, dir string) {
			assert.NilError(c.t, os.Rename(c.settings(), filepath.Join(dir, "multiarch.yaml")))
			assert.NilError(c.t, os.Symlink("multiarch.yaml", filepath.Join(dir, ".multiarch.yaml")))
		},
		"writable by others": func(c *cloud, _ string) { assert.NilError(c.t, os.Chmod(c.settings(), 0o666)) },
		"of another user":    func(c *cloud, _ string) { assert.NilError(c.t, os.Chown(c.settings(), nobody, nobody)) },
		"a link": func(c *cloud, dir string) {
			assert.NilError(c.t, os.Rename(c.settings(), filepath.Join(dir, "multiarch.yaml")))
			assert.NilError(c.t, os.Symlink(filepath.Join(dir, "multiarch.yaml"), c.settings()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, usualCommands)
			dir := files{"Dockerfile": dockerfile()}.dir(t)
			plant(c, dir)
			r := c.build("--platform", "linux/386", "-t", repository(t), dir)
			if name == "in the build context" {
				r.succeeded() // on amd64
			} else {
				r.failed(125, "multiarch.yaml", "may not be all your own")
				c.docker("multiarch", "node", "start", "i386").failed(125, "may not be all your own")
				c.build("--no-hooks", "--platform", "linux/386", "-t", repository(t), dir).succeeded()
			}
			assert.Equal(t, c.logged(), "")
		})
	}
}

// Two builds that overlap: neither stops the other's node, whatever becomes of one of them, and the last one out stops it. scripts/soak
// does this some hundred times.
func TestOverlappingBuildsShareANode(t *testing.T) { // not parallel: i386 is down
	engine("i386").disturb(t, "stop")
	c := newCloud(t, usualCommands)
	next, to := seeds(t, 1, 3)
	for seed := next; seed < to; seed++ {
		random := rand.New(rand.NewPCG(seed, 9))
		var runs [2]*process
		for i := range runs {
			line := fmt.Sprintf("RUN sleep 0.%d", random.IntN(10))
			runs[i] = c.start("multiarch", "build", "--platform", "linux/386", "-t", fmt.Sprint(repository(t), i), files{"Dockerfile": dockerfile(line)}.dir(t))
			time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond) // the offset is what the seed is about
		}
		killed := random.IntN(2) == 0
		if killed {
			// It may have ended already.
			_ = syscall.Kill(-runs[0].cmd.Process.Pid, syscall.SIGKILL)
			runs[0].wait()
		} else {
			runs[0].wait().succeeded()
		}
		runs[1].wait().succeeded()
		c.asleep()
		t.Logf("soak: %d %s", seed, map[bool]string{true: "killed", false: "both"}[killed])
	}
}
