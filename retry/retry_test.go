package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/retry"
)

var errBusy = errors.New("busy")

func always(error) bool { return true }
func never(error) bool  { return false }

func TestDoStopsAtTheFirstSuccess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		failures int
		calls    int
		want     error
	}{
		{"at once", 0, 1, nil},
		{"the second time", 1, 2, nil},
		{"the last time", retry.Attempts - 1, retry.Attempts, nil},
		{"never", retry.Attempts + 1, retry.Attempts, errBusy},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				err := retry.Do(t.Context(), always, func(context.Context) error {
					if calls++; calls <= c.failures {
						return errBusy
					}
					return nil
				})
				assert.ErrorIs(t, err, c.want)
				assert.Equal(t, calls, c.calls)
			})
		})
	}
}

func TestDoReturnsTheLastErrorAndNotTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		last := errors.New("last")
		calls := 0
		err := retry.Do(t.Context(), always, func(context.Context) error {
			if calls++; calls == retry.Attempts {
				return last
			}
			return errBusy
		})
		assert.ErrorIs(t, err, last)
	})
}

func TestDoStopsAtOnceAtAPermanentFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started, calls := time.Now(), 0
		err := retry.Do(t.Context(), never, func(context.Context) error { calls++; return errBusy })
		assert.ErrorIs(t, err, errBusy)
		assert.Equal(t, calls, 1)
		assert.Equal(t, time.Since(started), time.Duration(0), "waited for nothing")
	})
}

func TestDoStopsAtAFailureThatTurnsPermanent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		calls := 0
		err := retry.Do(t.Context(), func(err error) bool { return errors.Is(err, errBusy) }, func(context.Context) error {
			if calls++; calls == 3 {
				return broken
			}
			return errBusy
		})
		assert.ErrorIs(t, err, broken)
		assert.Equal(t, calls, 3)
	})
}

func TestDoWaitsBetweenAttemptsAndNotAfterTheLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		_ = retry.Do(t.Context(), always, func(context.Context) error {
			at = append(at, time.Now())
			return errBusy
		})
		assert.Equal(t, time.Since(at[len(at)-1]), time.Duration(0), "waited after the last attempt")
		bound := time.Second
		for i := 1; i < len(at); i++ {
			wait := at[i].Sub(at[i-1])
			assert.Assert(t, wait >= 0 && wait < bound, "wait %d is %s, want less than %s", i, wait, bound)
			bound *= 2
		}
	})
}

func TestDoDoesNotTryAgainOnceTheContextEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		err := retry.Do(ctx, always, func(context.Context) error { calls++; cancel(); return errBusy })
		assert.ErrorIs(t, err, errBusy)
		assert.Equal(t, calls, 1)
	})
}

func TestDoStopsWaitingWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		started, calls := time.Now(), 0
		// A failure at the fifth attempt would be followed by up to 16 s.
		err := retry.Do(ctx, always, func(context.Context) error { calls++; return errBusy })
		assert.ErrorIs(t, err, errBusy, "what failed says more than that the time was up")
		assert.Equal(t, calls, 1)
		assert.Equal(t, time.Since(started), time.Nanosecond)
	})
}

func TestDoHandsItsContextToTheAttempt(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "here")
	assert.NilError(t, retry.Do(ctx, never, func(ctx context.Context) error {
		assert.Equal(t, ctx.Value(key{}), "here")
		return nil
	}))
}

func TestWaitIsRandomBelowABoundThatDoublesUpToALimit(t *testing.T) {
	t.Parallel()
	for n, bound := range map[int]time.Duration{
		1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 8 * time.Second, 5: 16 * time.Second,
		6: 32 * time.Second, 7: 32 * time.Second, 20: 32 * time.Second,
	} {
		var longest time.Duration
		for range 200 {
			wait := retry.Wait(n)
			assert.Assert(t, wait >= 0 && wait < bound, "attempt %d: %s", n, wait)
			longest = max(longest, wait)
		}
		// 200 draws below half the bound have a chance of 2^-200.
		assert.Assert(t, longest > bound/2, "attempt %d: never more than %s of %s", n, longest, bound)
	}
}

func TestSleep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		assert.NilError(t, retry.Sleep(t.Context(), time.Hour))
		assert.Equal(t, time.Since(started), time.Hour)
	})
}

func TestSleepReturnsWhyTheContextEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		started := time.Now()
		assert.ErrorIs(t, retry.Sleep(ctx, time.Hour), why)
		assert.Equal(t, time.Since(started), time.Second)
	})
}
