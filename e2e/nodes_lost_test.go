//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"
)

// Not parallel to other tests: engines and ssh go down. They have an engine each that goes down, so they need not wait for each other.
func TestNodeTrouble(t *testing.T) {
	for name, test := range map[string]func(t *testing.T){
		"ssh": testSSH,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

// waitForMove waits until what slept on one engine sleeps on another.
func waitForMove(t *testing.T, mark string, from, to engine) {
	t.Helper()
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		if !sleepsOn(mark, to) {
			return poll.Continue("nothing sleeps for %s on %s", mark, to)
		}
		return poll.Success()
	}, poll.WithTimeout(70*time.Second), poll.WithDelay(20*time.Millisecond))
	_ = from
}

// sleepsOn tells whether `sleep MARK` runs in a container of the engine.
func sleepsOn(mark string, e engine) bool {
	pids, lines := processes(mark)
	for i, pid := range pids {
		cgroup, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))
		if err == nil && strings.TrimSpace(lines[i]) == "sleep "+mark && strings.Contains(string(cgroup), "/"+string(e)+"/") {
			return true
		}
	}
	return false
}

var _ = assert.Equal
