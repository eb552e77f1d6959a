//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

func TestInterrupt(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(t *testing.T, p *process){
		// ^C in a terminal reaches every process of the group.
		"of the group":          func(t *testing.T, p *process) { signal(t, -p.cmd.Process.Pid, syscall.SIGINT) },
		"of the plugin":         func(t *testing.T, p *process) { signal(t, pluginOf(t, p), syscall.SIGINT) },
		"of docker":             func(t *testing.T, p *process) { signal(t, p.cmd.Process.Pid, syscall.SIGINT) },
		"SIGTERM of the plugin": func(t *testing.T, p *process) { signal(t, pluginOf(t, p), syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			amd64, i386 := s.mark(), s.mark()
			p := s.startPush(s.dir("RUN " + onEach("sleep "+amd64, "sleep "+i386)))
			waitForSleep(t, amd64, i386)

			send(t, p)

			r := p.wait()
			r.failed(130, "interrupted")
			assert.Assert(t, r.waited < 5*time.Second, "it took %s", r.waited)
			s.unharmed()
		})
	}
}

// While it waits for a registry or a node that does not answer, it stops as fast.
func TestInterruptWhileWaiting(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	asked := make(chan struct{}, 100)
	s.front.breakWith(stall(t, asked))
	p := s.startPush(s.dir())
	<-asked

	signal(t, -p.cmd.Process.Pid, syscall.SIGINT)

	r := p.wait()
	r.failed(130, "interrupted")
	assert.Assert(t, r.waited < 5*time.Second, "it took %s", r.waited)
	s.unharmed()
}

// A plugin that is killed can tell the engines nothing; they notice themselves.
func TestKill(t *testing.T) {
	t.Parallel()
	for name, victim := range map[string]func(t *testing.T, p *process) int{
		"of the plugin": pluginOf,
		"of docker":     func(_ *testing.T, p *process) int { return p.cmd.Process.Pid },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			amd64, i386 := s.mark(), s.mark()
			p := s.startPush(s.dir("RUN " + onEach("sleep "+amd64, "sleep "+i386)))
			waitForSleep(t, amd64, i386)
			pid := pluginOf(t, p)

			signal(t, victim(t, p), syscall.SIGKILL)

			r := p.wait()
			assert.Assert(t, r.code != 0, "%s", r)
			waitForEnd(t, 60*time.Second, amd64, i386)
			waitForExit(t, pid)
			s.unharmed()
		})
	}
}

func signal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	assert.NilError(t, syscall.Kill(pid, s))
}

// pluginOf finds the plugin that a docker command started.
func pluginOf(t *testing.T, p *process) int {
	t.Helper()
	pids, _ := processes(filepath.Join(p.config, "cli-plugins"))
	for _, pid := range pids {
		if parent(pid) == p.cmd.Process.Pid {
			return pid
		}
	}
	t.Fatal("docker runs no plugin")
	return 0
}

// parent is the parent of a process, 0 if there is no such process.
func parent(pid int) (ppid int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	var state string
	_, _ = fmt.Sscan(rest, &state, &ppid)
	return ppid
}
