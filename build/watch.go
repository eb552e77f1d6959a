package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/moby/buildkit/util/grpcerrors"
	dockerclient "github.com/moby/moby/client"
	"google.golang.org/grpc/codes"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// A node whose engine answers no ping for maxSilence is lost. A build step that
// prints nothing for hours is not silence: the engine still answers.
const (
	pingEvery   = 10 * time.Second
	pingTimeout = 10 * time.Second
	maxSilence  = 35 * time.Second
)

// watch returns a context that ends, with ErrNodeLost as its cause, when the
// node stops answering. The caller releases it.
func watch(ctx context.Context, n *contexts.Node) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stopped := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := silence(ctx, n, stopped); err != nil {
			cancel(err)
		}
	}()
	return ctx, func() {
		close(stopped)
		cancel(nil)
		<-done
	}
}

// silence pings until stopped, and returns an ErrNodeLost when there was no
// answer for too long.
func silence(ctx context.Context, n *contexts.Node, stopped <-chan struct{}) error {
	heard := time.Now()
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-stopped:
			return nil
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := ping(ctx, n)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			heard = time.Now()
		case time.Since(heard) > maxSilence:
			return fmt.Errorf("%w: no answer for %s: %w", ErrNodeLost, time.Since(heard).Round(time.Second), err)
		}
	}
}

func ping(ctx context.Context, n *contexts.Node) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return n.Alive(ctx)
}

// blame tells whether err is the node's rather than the build's, and marks it as
// ErrNodeLost or ErrNodeFull then. It is lost when the connection broke (a
// restarted engine may answer again by now) or when it does not answer a ping.
func blame(ctx context.Context, n *contexts.Node, err error) error {
	switch {
	case ctx.Err() != nil:
		return err
	case strings.Contains(err.Error(), "no space left on device"):
		// Engines report it as text only.
		return fmt.Errorf("%w: %w", ErrNodeFull, err)
	case broken(err) || ping(ctx, n) != nil:
		return fmt.Errorf("%w: %w", ErrNodeLost, err)
	}
	return err
}

// broken says whether err is that of a connection that ended.
func broken(err error) bool {
	// BuildKit passes on what it saw of the connection as text only.
	return strings.Contains(err.Error(), "transport is closing") || strings.Contains(err.Error(), "no active session for") ||
		grpcerrors.Code(err) == codes.Unavailable || dockerclient.IsErrConnectionFailed(err) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
