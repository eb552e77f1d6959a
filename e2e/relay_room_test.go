//go:build e2e

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// What a client that was killed took from nodes is gone when the next one has taken something.
func TestKilledRelayLeavesNoImages(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	args := []string{"--platform", "linux/amd64", "--relay", "amd64", s.dir()}
	asked := make(chan struct{}, 100)
	wait := stall(t, asked)
	s.front.breakWith(func(w http.ResponseWriter, r *http.Request) bool { return r.Method == http.MethodPatch && wait(w, r) })
	p := s.startPush(args...)
	<-asked
	pid := pluginOf(t, p)
	signal(t, -p.cmd.Process.Pid, syscall.SIGKILL)
	assert.Equal(t, p.wait().code, -1)
	waitForExit(t, pid)
	left, err := filepath.Glob(filepath.Join(s.tmp, "docker-multiarch-*", "docker-multiarch.lock"))
	assert.NilError(t, err)
	assert.Equal(t, len(left), 1)
	// Those that are made at this moment are left alone.
	assert.NilError(t, os.Chtimes(left[0], time.Time{}, time.Now().Add(-time.Minute)))

	s.front.breakWith(func(http.ResponseWriter, *http.Request) bool { return false })
	s.push(args...).succeeded()
	published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/amd64"}})
	all, err := os.ReadDir(s.tmp)
	assert.NilError(t, err)
	assert.Equal(t, len(all), 0)
}

// Where this machine has no room for an image, it says where it looked for it.
func TestNoRoomForARelay(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	small := t.TempDir()
	s.env["TMPDIR"] = small
	on := func(args ...string) result {
		t.Helper()
		script := `mount -t tmpfs -o size=1m none "$TMPDIR" && exec docker multiarch "$@"`
		return s.startAs("unshare", append([]string{"--mount", "sh", "-c", script, "sh"}, args...)...).wait()
	}
	on(append([]string{"build"}, s.pushing("--platform", "linux/amd64", "--relay", "amd64", s.dir())...)...).failed(1, small, "no space left on device", "TMPDIR")
	s.unharmed()
	on("copy", farm.registry+"/busybox", "oci-archive:"+filepath.Join(t.TempDir(), "x.tar")).failed(1, small, "no space left on device", "TMPDIR")
}
