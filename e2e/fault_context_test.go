//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// A file that grows all the time can't be sent as it was: what the nodes would build is not what is on the disk.
func TestFileChangesWhileItIsSent(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir("COPY log /", "RUN test -s /log")
	path := filepath.Join(dir, "log")
	files{"log": string(make([]byte, 8<<20))}.write(t, dir)
	stop := grow(t, path)

	s.push(dir).failed(4, `"log"`, "changed during the build")

	stop()
	s.unharmed()
	digestOf(t, s.push(dir).succeeded(), s.ref())
}

// grow appends to a file until the function that it returns is called.
func grow(t *testing.T, path string) (stop func()) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	assert.NilError(t, err)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer file.Close()
		for tick := time.NewTicker(time.Millisecond); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				_, _ = file.WriteString("more\n")
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// What changes after it was sent, while the nodes still build, counts as well: nobody could say of which files the image is.
func TestFileChangesAfterItWasSent(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, path string){
		"written": func(t *testing.T, path string) { assert.NilError(t, os.WriteFile(path, []byte("other"), 0o644)) },
		"removed": func(t *testing.T, path string) { assert.NilError(t, os.Remove(path)) },
		"replaced by a link": func(t *testing.T, path string) {
			assert.NilError(t, os.Remove(path))
			assert.NilError(t, os.Symlink("/etc/passwd", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			amd64, i386 := newMark(), newMark()
			dir := s.dir("COPY a /", "RUN "+onEach("sleep "+amd64, "sleep "+i386)+"; true")
			files{"a": "first", "unused": "x"}.write(t, dir)
			p := s.startPush(dir)
			waitForSleep(t, amd64, i386)

			change(t, filepath.Join(dir, "a"))
			endSleep(t, amd64)
			endSleep(t, i386)

			p.wait().failed(4, `"a"`, "changed during the build")
			s.unharmed()
		})
	}
}

// Files that no stage asks for, and those that are ignored, may change as they like.
func TestOtherFilesMayChange(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir("COPY a /")
	files{"a": "a", "unused.log": "x", "ignored.log": "x", ".dockerignore": "ignored.log"}.write(t, dir)
	defer grow(t, filepath.Join(dir, "unused.log"))()
	defer grow(t, filepath.Join(dir, "ignored.log"))()

	digestOf(t, s.push(dir).succeeded(), s.ref())
	published(t, openRegistry(), s.repo, tag, bothPlatforms())
}
