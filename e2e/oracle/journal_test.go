package oracle

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

func newJournal(t *testing.T, upstream http.Handler) (*Journal, string) {
	t.Helper()
	behind := httptest.NewServer(upstream)
	t.Cleanup(behind.Close)
	journal := NewJournal(behind.URL)
	front := httptest.NewServer(journal)
	t.Cleanup(front.Close)
	return journal, front.URL
}

func send(t *testing.T, method, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("body"))
	assert.NilError(t, err)
	resp, err := http.DefaultClient.Do(req)
	assert.NilError(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestJournalWritesDownEveryRequest(t *testing.T) {
	t.Parallel()
	f, _ := newFake(t)
	push{platforms: linuxThree}.to(t, f)
	journal, url := newJournal(t, f)
	_, err := (&Registry{Base: url}).Check(t.Context(), repo, "1", Want{Platforms: linuxThree})
	assert.NilError(t, err)
	send(t, http.MethodPut, url+"/v2/"+repo+"/manifests/1")
	send(t, http.MethodGet, url+"/v2/"+repo+"/manifests/none")

	requests := journal.Requests()
	assert.Check(t, is.Equal(requests[0].Path, "/v2/"+repo+"/manifests/1"))
	put, last := requests[len(requests)-2], requests[len(requests)-1]
	assert.Check(t, is.Equal(fmt.Sprint(put.Method, put.Status), "PUT201"))
	assert.Check(t, is.Equal(last.Status, http.StatusNotFound))
	assert.Check(t, requests[0].Before(put))
	assert.Check(t, !put.Before(requests[0]))
	assert.Check(t, !Request{}.Before(put), "no answer is no reading back")
	assert.Check(t, is.Equal(journal.TagPuts(repo, "1"), 1))
	assert.Check(t, is.Equal(journal.TagPuts(repo, "none"), 0))
	assert.Check(t, is.Equal(journal.TagPuts("app", "1"), 0))
}

func TestJournalKeepsHostAndBody(t *testing.T) {
	t.Parallel()
	_, url := newJournal(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Location", "http://"+r.Host+"/v2/next?state="+string(body)+r.URL.RawQuery)
		w.WriteHeader(http.StatusAccepted)
	}))
	resp := send(t, http.MethodPost, url+"/v2/app/blobs/uploads/?mount=x")
	assert.Check(t, is.Equal(resp.Header.Get("Location"), url+"/v2/next?state=bodymount=x"))
}

func TestJournalCountsPutsThatFailed(t *testing.T) {
	t.Parallel()
	behind := httptest.NewServer(http.NotFoundHandler())
	behind.Close()
	journal := NewJournal(behind.URL)
	front := httptest.NewServer(journal)
	defer front.Close()
	resp := send(t, http.MethodPut, front.URL+"/v2/app/manifests/1")
	assert.Check(t, is.Equal(resp.StatusCode, http.StatusBadGateway))
	assert.Check(t, is.Equal(journal.TagPuts("app", "1"), 1))
}

func TestJournalTakesManyRequestsAtOnce(t *testing.T) {
	t.Parallel()
	journal, url := newJournal(t, http.NotFoundHandler())
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			_, err := (&Registry{Base: url}).Tag(t.Context(), "app", "1")
			assert.Check(t, is.ErrorContains(err, "404"))
		})
	}
	clients.Wait()
	assert.Check(t, is.Len(journal.Requests(), 20))
}

// A test looks into the journal as soon as its client has the last byte, which may be before the proxy is done.
func TestJournalKnowsTheStatusBeforeTheClient(t *testing.T) {
	t.Parallel()
	f, _ := newFake(t)
	f.manifests["1"] = stored{ociIndex, bytes.Repeat([]byte(" "), 256<<10)}
	journal, url := newJournal(t, f)
	for n := range 50 {
		_, err := (&Registry{Base: url}).Tag(t.Context(), repo, "1")
		assert.NilError(t, err)
		requests := journal.Requests()
		assert.Assert(t, is.Equal(requests[n].Status, http.StatusOK))
		assert.Assert(t, n == 0 || requests[n-1].Before(requests[n]))
	}
}

func TestNewJournalRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	defer func() { assert.Check(t, is.Contains(fmt.Sprint(recover()), "127.0.0.1:5000")) }()
	NewJournal("127.0.0.1:5000")
}
