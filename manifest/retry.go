package manifest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docker-multiarch/docker-multiarch/retry"
)

// maxRetryAfter is how long a registry may ask to wait.
const maxRetryAfter = 5 * time.Minute

// Retry tells what will be tried again, after which wait and failure.
type Retry struct {
	Op        string // as in [Error]
	Host      string
	Reference string
	Attempt   int // the attempt that failed, from 1
	Wait      time.Duration
	Err       error // an *Error
}

// task is one thing that is tried until it succeeds: what it is called in messages, and whether "not found" may only
// mean that the registry doesn't see yet what was pushed a moment ago.
type task struct {
	op        string
	reference string
	await     bool
	renewed   bool // the login, for another attempt
}

// again tells whether another attempt can help. A login is renewed once at the most.
func (t *task) again(f *failure) bool {
	if f.status == http.StatusUnauthorized {
		first := !t.renewed
		t.renewed = true
		return f.transient && first
	}
	return f.transient || t.await && errors.Is(f.class, ErrNotFound)
}

// retry runs attempt until it succeeds, fails for good, or was tried six times. It waits up to 1, 2, 4, 8 and 16 s in
// between (full jitter), or what the registry asks for, if that is at most five minutes. The error is an *Error.
func (r repository) retry(ctx context.Context, t task, attempt func(context.Context) error) error {
	for n := 1; ; n++ {
		hint := &hint{}
		err := attempt(context.WithValue(ctx, hintKey{}, hint))
		if err == nil {
			return nil
		}
		e := r.explain(ctx, t, err)
		e.Attempts = n
		var f *failure
		if ctx.Err() != nil || n == retry.Attempts || !errors.As(err, &f) || !t.again(f) {
			return e
		}
		wait := max(retry.Wait(n), hint.wait(r.now()))
		if wait > maxRetryAfter {
			e.RetryAfter = wait
			return e
		}
		if end, ok := ctx.Deadline(); ok && r.now().Add(wait).After(end) {
			return e
		}
		if r.notify != nil {
			r.notify(Retry{Op: e.Op, Host: e.Host, Reference: e.Reference, Attempt: n, Wait: wait, Err: e})
		}
		if err := r.sleep(ctx, wait); err != nil {
			return r.explain(ctx, t, err)
		}
	}
}

// explain makes the error that callers see.
func (r repository) explain(ctx context.Context, t task, err error) *Error {
	e := &Error{Op: t.op, Host: r.host(), Reference: t.reference, Err: err}
	var f *failure
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.Class, e.Err = ErrUnavailable, context.Cause(ctx)
	case ctx.Err() != nil:
		e.Err = ctx.Err()
	case errors.As(err, &f):
		e.Class, e.Err = f.class, f.cause
	}
	return e
}

// hint collects the last Retry-After of one attempt, whichever of its requests was answered with it.
type hint struct {
	mu         sync.Mutex
	retryAfter string
}

type hintKey struct{}

func (h *hint) note(resp *http.Response) {
	if value := resp.Header.Get("Retry-After"); value != "" && resp.StatusCode >= 400 {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.retryAfter = value
	}
}

// wait reads Retry-After (RFC 9110 section 10.2.3): seconds or a date. What it can't read counts as nothing asked.
func (h *hint) wait(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	value := strings.TrimSpace(h.retryAfter)
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return date.Sub(now)
	}
	return 0
}
