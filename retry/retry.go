package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Attempts is how often one thing is tried at the most.
const Attempts = 6

const (
	firstWait   = time.Second
	longestWait = 32 * time.Second
)

// Do calls attempt until it succeeds, fails with an error that transient does
// not accept, was called Attempts times, or ctx ends. It returns the last error.
func Do(ctx context.Context, transient func(error) bool, attempt func(context.Context) error) error {
	for n := 1; ; n++ {
		err := attempt(ctx)
		if err == nil || n == Attempts || ctx.Err() != nil || !transient(err) {
			return err
		}
		if Sleep(ctx, Wait(n)) != nil {
			return err
		}
	}
}

// Wait returns how long to wait after the nth attempt: a random part of a time
// that doubles, so that many clients do not come back at once.
func Wait(n int) time.Duration {
	return rand.N(min(firstWait<<(n-1), longestWait)) //nolint:gosec // spreads load, hides nothing
}

// Sleep waits for d, or until ctx ends and then returns why.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
