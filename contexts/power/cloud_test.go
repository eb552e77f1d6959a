//go:build unix

package power

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"

	"github.com/docker-multiarch/docker-multiarch/contexts/config"
)

// cloud is a pretend one with one machine: the file on is there while it runs,
// and log has a line for each command that was run.
type cloud struct{ dir string }

func newCloud(t *testing.T) cloud {
	t.Helper()
	return cloud{t.TempDir()}
}

func (c cloud) path(name string) string { return filepath.Join(c.dir, name) }

// start and stop are what the user's commands do.
const (
	start = "echo start >> log; touch on"
	stop  = "echo stop >> log; rm -f on"
)

func (c cloud) running() bool {
	_, err := os.Stat(c.path("on"))
	return err == nil
}

func (c cloud) log() string {
	text, _ := os.ReadFile(c.path("log"))
	return strings.Join(strings.Fields(string(text)), " ")
}

// Alive and Busy are the engine's.
func (c cloud) Alive(context.Context) error {
	if !c.running() {
		return errors.New("no answer")
	}
	return nil
}

func (c cloud) Busy(context.Context, time.Time) (string, error) {
	text, _ := os.ReadFile(c.path("busy"))
	return string(text), nil
}

// machine is the one of the cloud; the commands run in the cloud's folder.
func (c cloud) machine(start, stop string) *Machine {
	return &Machine{
		Name: "arm", Engine: c, Dir: c.dir, Env: []string{"PATH=" + os.Getenv("PATH")}, Store: Open(c.path("state")),
		Power:  config.Power{Start: config.Command{Shell: start}, Stop: config.Command{Shell: stop}},
		Reaper: func() error { return nil },
	}
}

// The tests start this program again, as a run that uses a machine or as the
// reaper.
const (
	roleEnv = "POWER_TEST_ROLE"
	dirEnv  = "POWER_TEST_CLOUD"
)

func TestMain(m *testing.M) {
	c := cloud{os.Getenv(dirEnv)}
	switch os.Getenv(roleEnv) {
	case "reaper":
		_ = c.read().Reap(context.Background())
	case "run":
		c.use()
	default:
		os.Exit(m.Run())
	}
}

// use is a run: it starts the machine, uses it until the file done is there, and
// settles what it owes.
func (c cloud) use() {
	ctx := context.Background()
	m := c.read()
	m.Reaper = func() error {
		cmd := helper(c, "reaper")
		Detach(cmd)
		return cmd.Start()
	}
	lease, err := m.Acquire(ctx)
	if err != nil {
		os.Exit(1)
	}
	for c.touch("using"); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(c.path("done")); err == nil {
			break
		}
	}
	lease.Release(ctx)
	_ = m.Settle(ctx)
}

func (c cloud) touch(name string) { _ = os.WriteFile(c.path(name), nil, 0o600) }

// read makes the machine of the commands in the files start.sh and stop.sh.
func (c cloud) read() *Machine { return c.machine(". ./start.sh", ". ./stop.sh") }

func helper(c cloud, role string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role, dirEnv+"="+c.dir)
	return cmd
}

// settled waits until the machine is off and nothing is owed, and the reaper gone.
func (c cloud) settled(t *testing.T) {
	t.Helper()
	s := Open(c.path("state"))
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if c.running() || len(s.Debts()) > 0 || s.Reaped("arm") {
			return poll.Continue("running %v, owed %v, log %q", c.running(), s.Debts(), c.log())
		}
		return poll.Success()
	}, poll.WithTimeout(30*time.Second), poll.WithDelay(50*time.Millisecond))
}

// Wherever a run is killed, the machine is stopped.
func TestKilled(t *testing.T) {
	t.Parallel()
	const kill = "kill -9 $PPID; "
	for name, tt := range map[string]struct{ start, stop string }{
		"before the start":       {kill + start, stop},
		"after the start":        {start + "; " + kill, stop},
		"while it starts slowly": {kill + "sleep 3; " + start, stop},
		"while it is used":       {start, stop},
		"before the stop":        {start, "test -e killed || { touch killed; touch done; " + kill + "}; " + stop},
		"after the stop":         {start, stop + "; test -e killed || { touch killed; " + kill + "}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			assert.NilError(t, os.WriteFile(c.path("start.sh"), []byte(tt.start), 0o600))
			assert.NilError(t, os.WriteFile(c.path("stop.sh"), []byte(tt.stop), 0o600))
			if strings.Contains(tt.stop, kill) {
				c.touch("done")
			}
			run := helper(c, "run")
			assert.NilError(t, run.Start())
			if !strings.Contains(tt.start+tt.stop, kill) {
				poll.WaitOn(t, func(poll.LogT) poll.Result {
					if _, err := os.Stat(c.path("using")); err == nil {
						return poll.Success()
					}
					return poll.Continue("not used yet")
				}, poll.WithTimeout(20*time.Second), poll.WithDelay(10*time.Millisecond))
				assert.NilError(t, run.Process.Kill())
			}
			assert.ErrorContains(t, run.Wait(), "signal: killed")
			c.settled(t)
			assert.Assert(t, strings.HasSuffix(c.log(), "stop"), c.log())
		})
	}
}
