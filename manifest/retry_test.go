package manifest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/retry"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                               0,
		"7":                              7 * time.Second,
		" 7 ":                            7 * time.Second,
		"-7":                             0,
		"soon":                           0,
		"1e3":                            0,
		"99999999999999999999":           0,
		"Fri, 02 Jan 2026 03:05:05 GMT":  time.Minute,
		"Friday, 02-Jan-26 03:05:05 GMT": time.Minute,
	} {
		assert.Equal(t, (&hint{retryAfter: value}).wait(now), want, value)
	}
	assert.Assert(t, (&hint{retryAfter: "Fri, 02 Jan 2026 03:04:00 GMT"}).wait(now) < 0)
}

// busy is a registry that answers the first n reads of a manifest with 429 and this Retry-After.
func busy(t *testing.T, n int, retryAfter string) *published {
	t.Helper()
	p := ready(t)
	p.on(func(w http.ResponseWriter, req *http.Request) bool {
		if !isTagGet(req) || n == 0 {
			return false
		}
		n--
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		return fail(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "slow down")
	})
	return p
}

func TestTheRegistrySaysHowLongToWait(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{"60": time.Minute, "300": 5 * time.Minute, "Fri, 02 Jan 2026 03:06:05 GMT": 2 * time.Minute} {
		p := busy(t, 1, value)
		var told []Retry
		WithNotify(func(r Retry) { told = append(told, r) })(p.r)
		_, _, err := p.r.Resolve(t.Context(), p.ref(t, "app:1"))
		assert.NilError(t, err)
		assert.DeepEqual(t, p.clock.waits, []time.Duration{want})
		assert.Equal(t, len(told), 1)
		assert.Equal(t, told[0].Wait, want)
		assert.Equal(t, told[0].Reference, p.host()+"/app:1")
		assert.ErrorIs(t, told[0].Err, ErrUnavailable)
	}
}

func TestTheRegistryAsksToWaitTooLong(t *testing.T) {
	t.Parallel()
	p := busy(t, 1, "301")
	_, _, err := p.r.Resolve(t.Context(), p.ref(t, "app:1"))
	assert.ErrorIs(t, err, ErrUnavailable)
	assert.Error(t, err, "reading "+p.host()+"/app:1: unavailable, the registry asks to wait 5m1s: slow down")
	assert.Equal(t, len(p.clock.waits), 0)
}

func TestSixAttempts(t *testing.T) {
	t.Parallel()
	p := busy(t, 5, "")
	_, _, err := p.r.Resolve(t.Context(), p.ref(t, "app:1"))
	assert.NilError(t, err)

	p = busy(t, 1000, "")
	_, _, err = p.r.Resolve(t.Context(), p.ref(t, "app:1"))
	assert.Error(t, err, "reading "+p.host()+"/app:1: unavailable after 6 attempts: slow down")
	assert.Equal(t, p.count("GET", "/manifests/"), 6)
	assert.Equal(t, p.count("GET", "/v2/"), 6, "no ping again")
}

func TestALoginIsTriedAgainToo(t *testing.T) {
	t.Parallel()
	p := ready(t)
	left := 3
	p.on(func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path != "/v2/" || left == 0 {
			return false
		}
		left--
		w.Header().Set("Retry-After", "2")
		return fail(w, http.StatusServiceUnavailable, "", "")
	})
	r, c := client(t, nil)
	_, _, err := r.Resolve(t.Context(), p.ref(t, "app:1"))
	assert.NilError(t, err)
	assert.Equal(t, len(c.waits), 3)
	assert.Assert(t, c.waits[0] == 2*time.Second)
}

func TestAnAnswerThatIsCutOff(t *testing.T) {
	t.Parallel()
	p := ready(t)
	left := 2
	p.on(func(w http.ResponseWriter, req *http.Request) bool {
		if !isTagGet(req) || left == 0 {
			return false
		}
		left--
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, old)
		return true
	})
	_, _, err := p.r.Resolve(t.Context(), p.ref(t, "app:1"))
	assert.NilError(t, err)
	assert.Equal(t, len(p.clock.waits), 2)
}

// HTTP/2 has errors of its own, that are no net.Error.
func TestAnErrorOfTheTransportThatNobodyKnows(t *testing.T) {
	t.Parallel()
	p := ready(t)
	left := 2
	r, c := client(t, nil, WithTransport(transportFunc(func(req *http.Request) (*http.Response, error) {
		if left > 0 && isTagGet(req) {
			left--
			return nil, errors.New("stream error: stream ID 1; REFUSED_STREAM")
		}
		return direct{p.real}.RoundTrip(req)
	})))
	_, _, err := r.Resolve(t.Context(), p.ref(t, "app:1"))
	assert.NilError(t, err)
	assert.Equal(t, len(c.waits), 2)
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ref := s.ref(t, "app:1")
	s.Close()
	r, c := client(t, nil)
	_, _, err := r.Resolve(t.Context(), ref)
	assert.ErrorIs(t, err, ErrUnavailable)
	assert.ErrorContains(t, err, "connection refused")
	assert.Equal(t, len(c.waits), retry.Attempts-1)
}

func TestNoWaitThatTheDeadlineWouldEnd(t *testing.T) {
	t.Parallel()
	p := busy(t, 1, "60")
	p.r.now, p.r.sleep = time.Now, retry.Sleep
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	start := time.Now()
	_, _, err := p.r.Resolve(ctx, p.ref(t, "app:1"))
	assert.ErrorIs(t, err, ErrUnavailable)
	assert.Assert(t, time.Since(start) < 10*time.Second)
}

func TestCancelEndsAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		assert.Assert(t, errors.Is(retry.Sleep(ctx, time.Minute), context.Canceled))
		assert.Equal(t, time.Since(start), time.Second)
	})
}
