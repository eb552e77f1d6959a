package faultproxy

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"time"
)

// codes are the distribution specification's words for some statuses.
var codes = map[int]string{
	http.StatusUnauthorized: "UNAUTHORIZED", http.StatusForbidden: "DENIED", http.StatusNotFound: "NAME_UNKNOWN",
	http.StatusMethodNotAllowed: "UNSUPPORTED", http.StatusConflict: "DENIED", http.StatusTooManyRequests: "TOOMANYREQUESTS",
}

// Status answers with a status in the registry's place, which sees nothing. From 500 on the body is a page, as of a load balancer.
// header is names and values, by turns.
func Status(status int, header ...string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		for pair := range slices.Chunk(header, 2) {
			w.Header().Set(pair[0], pair[1])
		}
		refuse(w, status, codes[status])
	}
}

// Refuse answers with a status and a code of the distribution specification, in the registry's place.
func Refuse(status int, code string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		refuse(w, status, code)
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	if code == "" {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><h1>%d</h1>\x1b[2J the test's fault</html>", status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"the test's fault"}]}`, code)
}

// HangUp breaks the connection. The registry sees nothing.
func HangUp(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// Delay passes a request on after a while.
func Delay(while func() time.Duration) Fault {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request, registry http.Handler) {
		mu.Lock()
		d := while()
		mu.Unlock()
		select {
		case <-time.After(d):
			registry.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}
}

// LoseAnswer has the registry do what is asked, and breaks the connection in place of its answer.
func LoseAnswer(_ http.ResponseWriter, r *http.Request, registry http.Handler) {
	registry.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// Truncate breaks the connection in the middle of the answer's body; without a body, before the answer.
func Truncate(w http.ResponseWriter, r *http.Request, registry http.Handler) {
	a := ask(r, registry)
	if len(a.body) > 0 {
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		a.body = a.body[:len(a.body)/2]
		a.send(w)
		_ = http.NewResponseController(w).Flush()
	}
	panic(http.ErrAbortHandler)
}

// Flip changes one bit in the middle of the answer's body.
func Flip(w http.ResponseWriter, r *http.Request, registry http.Handler) {
	a := ask(r, registry)
	if len(a.body) > 0 {
		a.body[len(a.body)/2] ^= 1
	}
	a.send(w)
}

// Header replaces one header of the answer; "" takes it away.
func Header(name, value string) Fault {
	return func(w http.ResponseWriter, r *http.Request, registry http.Handler) {
		a := ask(r, registry)
		a.header.Del(name)
		if value != "" {
			a.header.Set(name, value)
		}
		a.send(w)
	}
}

// Stale passes the first request for each path on, and gives what was answered then to the later ones too.
func Stale() Fault {
	var mu sync.Mutex
	old := map[string]answer{}
	return func(w http.ResponseWriter, r *http.Request, registry http.Handler) {
		mu.Lock()
		defer mu.Unlock()
		a, known := old[r.URL.Path]
		if !known {
			a = ask(r, registry)
			old[r.URL.Path] = a
		}
		a.send(w)
	}
}

// Endless sends an answer whose body does not end.
func Endless(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	block := bytes.Repeat([]byte(" "), 64<<10)
	for r.Context().Err() == nil {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// Redirect sends the client to another place, given as in "http://host:port".
func Redirect(base string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		http.Redirect(w, r, base+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	}
}

// RefuseTypes refuses manifests of media types, as registries do that know no index, or no list, or only the types of one vendor.
func RefuseTypes(status int, types ...string) Fault {
	return func(w http.ResponseWriter, r *http.Request, registry http.Handler) {
		if r.Method == http.MethodPut && slices.Contains(types, r.Header.Get("Content-Type")) {
			_, _ = io.Copy(io.Discard, r.Body)
			refuse(w, status, "MANIFEST_INVALID")
			return
		}
		registry.ServeHTTP(w, r)
	}
}

// Immutable refuses to move a tag, with a status and a code as one registry or the other has them.
func Immutable(status int, code string) Fault {
	return func(w http.ResponseWriter, r *http.Request, registry http.Handler) {
		look := r.Clone(r.Context())
		look.Method, look.Body, look.ContentLength = http.MethodHead, http.NoBody, 0
		look.Header.Set("Accept", r.Header.Get("Content-Type")+", "+anyManifest) // docker-registry 2.8 has nothing for who asks for nothing.
		if r.Method == http.MethodPut && ask(look, registry).status == http.StatusOK {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"the tag cannot be overwritten because it is immutable"}]}`, code)
			return
		}
		registry.ServeHTTP(w, r)
	}
}

const anyManifest = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, " +
	"application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json"

// answer is what the registry said, not sent yet.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func ask(r *http.Request, registry http.Handler) answer {
	w := httptest.NewRecorder()
	registry.ServeHTTP(w, r)
	return answer{status: w.Code, header: w.Header().Clone(), body: w.Body.Bytes()}
}

func (a answer) send(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}
