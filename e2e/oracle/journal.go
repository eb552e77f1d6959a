package oracle

import (
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Request is one request that passed a [Journal].
type Request struct {
	Method string
	Path   string
	Status int       // 0 while there is no answer.
	Began  time.Time // When it arrived.
	Ended  time.Time // When the last part of its answer was about to be sent.
}

// Before tells whether r was answered before other was sent: a manifest counts as read back before a PUT only if so.
func (r Request) Before(other Request) bool {
	return r.Status != 0 && r.Ended.Before(other.Began)
}

// Journal is a reverse proxy before a registry that writes down every request to it. It is an http.Handler.
type Journal struct {
	proxy *httputil.ReverseProxy

	mu       sync.Mutex
	requests []Request
}

// NewJournal returns a journal before the registry at upstream, such as "http://127.0.0.1:5000". It panics if that is no URL with
// a host: such a test can't be meant.
func NewJournal(upstream string) *Journal {
	target, err := url.Parse(upstream)
	if err != nil || target.Host == "" {
		panic("oracle: no registry to write a journal of: " + upstream)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.DisableCompression = true // Bodies pass as they are.
	return &Journal{proxy: &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			// Registry 2.8 makes its Location URLs from Host; with its own, pushes would go on past the journal.
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "journal: "+err.Error(), http.StatusBadGateway)
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}}
}

// ServeHTTP passes a request on and writes it down.
func (j *Journal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	j.mu.Lock()
	n := len(j.requests)
	j.requests = append(j.requests, Request{Method: r.Method, Path: r.URL.Path, Began: time.Now()})
	j.mu.Unlock()
	j.proxy.ServeHTTP(&answer{ResponseWriter: w, journal: j, request: n}, r)
}

// Requests returns all requests up to now, in the order of their arrival.
func (j *Journal) Requests() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.requests)
}

// TagPuts counts how often a client sent a PUT for repo:tag, whatever the registry answered.
func (j *Journal) TagPuts(repo, tag string) int {
	puts := 0
	for _, r := range j.Requests() {
		if r.Method == http.MethodPut && r.Path == "/v2/"+repo+"/manifests/"+tag {
			puts++
		}
	}
	return puts
}

// answer writes the status and time of an answer down before each part of it is sent: a client that has its answer finds it in the
// journal, and its next request begins later.
type answer struct {
	http.ResponseWriter

	journal *Journal
	request int
}

// WriteHeader notes the final status; those below 200 only announce it.
func (a *answer) WriteHeader(status int) {
	if status >= http.StatusOK {
		a.note(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write notes the time.
func (a *answer) Write(p []byte) (int, error) {
	a.note(http.StatusOK)
	return a.ResponseWriter.Write(p)
}

func (a *answer) note(status int) {
	a.journal.mu.Lock()
	defer a.journal.mu.Unlock()
	r := &a.journal.requests[a.request]
	if r.Status == 0 {
		r.Status = status
	}
	r.Ended = time.Now()
}

// Unwrap lets the proxy flush through us.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
