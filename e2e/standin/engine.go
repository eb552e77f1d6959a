package standin

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"path"
	"sync"
	"time"
)

// Engine is what a stand-in says and does. What is not set is as with an ordinary engine for linux/amd64. Its fields are set before
// it listens.
type Engine struct {
	ID           string
	OSType       string
	Architecture string // As `uname -m` says it.
	OSVersion    string
	Version      string // Of the engine.
	API          string // The newest version of the API.
	Builder      string // The version of the builder; "1" is the classic one, "2" BuildKit. Engine 20.10 says nothing.
	SystemTime   string
	Hostname     string // Of the machine; "stand-in" if it is empty.
	// Delay is how long every answer takes.
	Delay time.Duration
	// Workers are the platforms that BuildKit says it builds for.
	Workers []string
	// Solve is what a build gives: the digest of an image, or an error. Without it every build fails.
	Solve func(ctx context.Context, platform string) (digest string, err error)
	// Faults answer in the engine's place, by the last part of the path: "_ping", "info", "version", "grpc", "session"; "" is
	// every other.
	Faults map[string]http.HandlerFunc

	mu    sync.Mutex
	asked map[string]int
}

// ServeHTTP implements http.Handler.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path) // Without the version, as in /v1.41/info.
	e.note(name)
	if !pause(r.Context(), e.Delay) {
		return
	}
	answers := map[string]http.HandlerFunc{
		"_ping": e.ping, "info": e.info, "version": e.version, "grpc": e.grpc, "session": session,
		"json": found, "create": made, stillborn: removed, "archive": http.NotFound,
	}
	answer, known := answers[name]
	if !known {
		name, answer = "", http.NotFound
	}
	if fault := e.Faults[name]; fault != nil {
		answer = fault
	}
	answer(w, r)
}

// Asked counts the requests for a path, by its last part.
func (e *Engine) Asked(name string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.asked[name]
}

func (e *Engine) note(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.asked == nil {
		e.asked = map[string]int{}
	}
	e.asked[name]++
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (e *Engine) ping(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Api-Version", cmp.Or(e.API, "1.45"))
	w.Header().Set("Ostype", cmp.Or(e.OSType, "linux"))
	w.Header().Set("Builder-Version", cmp.Or(e.Builder, "2"))
	_, _ = w.Write([]byte("OK"))
}

func (e *Engine) info(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]any{
		"ID": cmp.Or(e.ID, "stand-in"), "OSType": cmp.Or(e.OSType, "linux"), "Architecture": cmp.Or(e.Architecture, "x86_64"),
		"OSVersion": e.OSVersion, "ServerVersion": cmp.Or(e.Version, "26.1.5"), "Name": cmp.Or(e.Hostname, "stand-in"), "NCPU": 1, "MemTotal": 1 << 30,
		"SystemTime": cmp.Or(e.SystemTime, time.Now().UTC().Format(time.RFC3339Nano)), "Driver": "overlay2",
	})
}

func (e *Engine) version(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]any{
		"Version": cmp.Or(e.Version, "26.1.5"), "ApiVersion": cmp.Or(e.API, "1.45"), "MinAPIVersion": "1.24",
		"Os": cmp.Or(e.OSType, "linux"), "Arch": cmp.Or(e.Architecture, "x86_64"),
	})
}

// stillborn is the one container that a stand-in has. There is nothing in it.
const stillborn = "stillborn"

// found answers for an image, and for a list of containers.
func found(w http.ResponseWriter, r *http.Request) {
	if path.Base(path.Dir(r.URL.Path)) == "containers" {
		reply(w, []any{})
		return
	}
	reply(w, map[string]any{"Config": map[string]any{}})
}

func made(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusCreated)
	reply(w, map[string]any{"Id": stillborn})
}

func removed(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func reply(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document)
}
