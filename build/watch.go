package build

import (
	"context"
	"fmt"
	"time"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// A node whose engine answers no ping for maxSilence is lost. A build step that
// prints nothing for hours is not silence: the engine still answers.
const (
	pingEvery   = 10 * time.Second
	pingTimeout = 10 * time.Second
	maxSilence  = 45 * time.Second
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

// lost tells whether err came of the node's engine going away: it does not
// answer now. It decides between "the build failed" and "the node failed".
func lost(ctx context.Context, n *contexts.Node, err error) error {
	if ctx.Err() != nil {
		return err
	}
	if pingErr := ping(ctx, n); pingErr != nil {
		return fmt.Errorf("%w: %w", ErrNodeLost, err)
	}
	return err
}
