//go:build !windows

package plugin

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build"
)

func TestAnInterruptIsExitCode130(t *testing.T) {
	d, amd, _, dir := two(t)
	started := make(chan struct{})
	amd.Solve = func(ctx context.Context, _ string) (string, error) {
		close(started)
		<-ctx.Done()
		return "", ctx.Err()
	}
	interrupted := make(chan struct{})
	go func() {
		<-started
		assert.Check(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
		close(interrupted)
	}()
	err := d.run(t, "build", "--platform", "linux/amd64", dir)
	<-interrupted
	assert.ErrorIs(t, err, errInterrupted)
	assert.Equal(t, exitCode(err), exitInterrupted)
	assert.Assert(t, !errors.Is(err, build.ErrNodeLost), "%v", err)
	assert.Equal(t, d.Out.String(), "")
}
