package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// unreachable is a node where nobody listens: a ping fails at once, so that in a
// synctest bubble, where it has to be made, time passes.
func unreachable(t *testing.T) *contexts.Node {
	t.Helper()
	return newNode(t, "gone", "unix:///nowhere/e.sock")
}

func TestANodeThatAnswersNoPingIsLostAfterAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := unreachable(t)
		started := time.Now()
		ctx, release := watch(t.Context(), n)
		defer release()
		<-ctx.Done()
		assert.ErrorIs(t, context.Cause(ctx), ErrNodeLost)
		assert.ErrorContains(t, context.Cause(ctx), "no answer for ")
		silent := time.Since(started)
		assert.Assert(t, silent > maxSilence && silent <= time.Minute, "noticed after %s", silent)
	})
}

func TestAWatchThatIsReleasedSaysNothingOfTheNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := unreachable(t)
		ctx, release := watch(t.Context(), n)
		time.Sleep(maxSilence / 2)
		assert.NilError(t, ctx.Err())
		release()
		assert.ErrorIs(t, context.Cause(ctx), context.Canceled)
		assert.Assert(t, !errors.Is(context.Cause(ctx), ErrNodeLost))
	})
}

func TestAWatchEndsWithItsContextAndItsReason(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := unreachable(t)
		why := errors.New("interrupted")
		parent, cancel := context.WithCancelCause(t.Context())
		ctx, release := watch(parent, n)
		defer release()
		time.Sleep(maxSilence / 2)
		cancel(why)
		<-ctx.Done()
		time.Sleep(time.Hour)
		assert.ErrorIs(t, context.Cause(ctx), why)
	})
}

func TestBlame(t *testing.T) {
	t.Parallel()
	up, gone := (&engine{}).start(t, "up", "x86_64"), unreachable(t)
	ran := errors.New("exit code: 1")
	for _, c := range []struct {
		name string
		node *contexts.Node
		err  error
		want error // nil: the build's own
	}{
		{"a build that fails", up, ran, nil},
		{"a build that fails on a node that is gone", gone, ran, ErrNodeLost},
		{"the connection was closed", up, status.Error(codes.Unavailable, "transport is closing"), ErrNodeLost},
		{"the stream broke off", up, fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), ErrNodeLost},
		{"reset", up, &fs.PathError{Op: "read", Err: syscall.ECONNRESET}, ErrNodeLost},
		{"a broken pipe", up, fmt.Errorf("x: %w", syscall.EPIPE), ErrNodeLost},
		{"no space", up, errors.New("mkdir /var/lib/docker/x: no space left on device"), ErrNodeFull},
		{"no space on a node that is gone", gone, errors.New("no space left on device"), ErrNodeFull},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := blame(t.Context(), c.node, c.err)
			assert.ErrorIs(t, err, c.err)
			for _, fault := range []error{ErrNodeLost, ErrNodeFull} {
				assert.Equal(t, errors.Is(err, fault), errors.Is(fault, c.want), fault)
			}

			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			err = blame(ctx, c.node, c.err)
			assert.Assert(t, !errors.Is(err, ErrNodeLost) && !errors.Is(err, ErrNodeFull), "what was stopped is nobody's fault: %v", err)
		})
	}
}
