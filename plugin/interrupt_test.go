//go:build !windows

package plugin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/docker/cli/cli/streams"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/poll"

	"github.com/docker-multiarch/docker-multiarch/build"
)

func TestAnInterruptIsExitCode130(t *testing.T) {
	d, amd, _, dir := two(t)
	for _, interrupt := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(interrupt) {
			continue // nohup go test
		}
		interrupted := make(chan struct{})
		amd.Solve = func(ctx context.Context, _ string) (string, error) {
			assert.Check(t, syscall.Kill(os.Getpid(), interrupt))
			close(interrupted)
			<-ctx.Done()
			return "", ctx.Err()
		}
		err := d.run(t, "build", "--platform", "linux/amd64", dir)
		<-interrupted
		assert.ErrorIs(t, err, errInterrupted)
		assert.Equal(t, exitCode(err), exitInterrupted)
		assert.Assert(t, !errors.Is(err, build.ErrNodeLost), "%v", err)
		assert.Equal(t, d.Out.String(), "")
	}
}

// What nothing can end, the read of a terminal or a program of others, is waited for
// no longer than until an interrupt.
func TestAnInterruptEndsWaitingForInput(t *testing.T) {
	d, _, _, dir := two(t)
	t.Setenv("TMPDIR", t.TempDir())
	waiting, over := make(chan struct{}, 10), make(chan struct{})
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case waiting <- struct{}{}:
		default:
		}
		select {
		case <-r.Context().Done():
		case <-over:
			http.NotFound(w, r)
		}
	}))
	defer served.Close()
	typed, typing := io.Pipe()
	defer typing.Close()
	d.CLI.SetIn(streams.NewIn(io.NopCloser(readFunc(func(p []byte) (int, error) {
		waiting <- struct{}{}
		return typed.Read(p)
	}))))
	for _, args := range [][]string{
		{"build", "-"},
		{"build", "-f", "-", dir},
		{"check", "-f", "-", dir},
		{"prune"},
		{"build", served.URL + "/context.tar"},
		{"build", served.URL + "/app.git"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-waiting; cancel() }()
		err := d.runContext(ctx, args...)
		assert.Equal(t, exitCode(err), exitInterrupted, "%q: %v", args, err)
	}
	close(over) // also for what the git that was left to itself asks after this
	poll.WaitOn(t, func(poll.LogT) poll.Result {
		left, err := os.ReadDir(os.TempDir())
		if err != nil || len(left) > 0 {
			return poll.Continue("%v is left, %v", left, err)
		}
		return poll.Success()
	})
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
