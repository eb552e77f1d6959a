package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	control "github.com/moby/buildkit/api/services/control"
	apitypes "github.com/moby/buildkit/api/types"
	"github.com/moby/buildkit/session"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/system"
	"github.com/opencontainers/go-digest"
	"google.golang.org/grpc"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// engine is a stand-in for a Docker engine with BuildKit, on a unix socket. The
// HTTP API, gRPC over a hijacked connection and the client's session are the
// real protocols; what it builds and pushes is up to the test.
type engine struct {
	control.UnimplementedControlServer

	// Build is one build; without it every build gives idOf the engine's name.
	Build func(ctx context.Context, req *control.SolveRequest, client session.Caller) (digest.Digest, error)
	// Events are what BuildKit reports of every build, Workers what it has.
	Events  []*control.StatusResponse
	Workers []*apitypes.WorkerRecord
	// Push answers the nth push, counted from 1; without it every one works.
	Push func(n int, w http.ResponseWriter)
	// Distribution answers what the engine is asked of a registry.
	Distribution func(w http.ResponseWriter)
	// Save answers a request to save an image.
	Save func(w http.ResponseWriter)
	// Create makes a container, whose ID it writes; without it there is none.
	Create func(w http.ResponseWriter)
	// Lost is how often an image that was built is not found, at first.
	Lost int
	// RepoDigests are under what names it knows its images by digest.
	RepoDigests []string
	// Deaf has it answer no more pings, and remove no container.
	Deaf atomic.Bool

	name, machine string
	sessions      *session.Manager
	conns         chan net.Conn
	stop          func()

	mu     sync.Mutex
	calls  []string // "build REF", "tag ID NAME", "push NAME USER", "save ID", "remove NAME"
	pushes int
	ended  map[string]chan struct{} // by build
}

// idOf is the digest that the stand-ins make of a word.
func idOf(word string) digest.Digest { return digest.FromString(word) }

// start starts the engine for machine (as uname -m names it) and returns it as a
// node.
func (e *engine) start(t *testing.T, name, machine string) *contexts.Node {
	t.Helper()
	e.name, e.machine, e.conns, e.ended = name, machine, make(chan net.Conn), map[string]chan struct{}{}
	var err error
	e.sessions, err = session.NewManager()
	assert.NilError(t, err)
	dir, err := os.MkdirTemp("", "e") // a socket's path is limited
	assert.NilError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	assert.NilError(t, err)
	// The test's own context ends before its clean-up.
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	buildkit := grpc.NewServer()
	control.RegisterControlServer(buildkit, e)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = buildkit.Serve(hijacked{listener, ctx, e.conns})
	}()
	api := &httptest.Server{Listener: listener, Config: &http.Server{
		ErrorLog: log.New(io.Discard, "", 0),
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.serve(ctx, t, w, r) }),
	}}
	api.Start()
	e.stop = sync.OnceFunc(func() {
		cancel()
		api.CloseClientConnections()
		buildkit.Stop()
		<-served
		api.Close()
	})
	t.Cleanup(e.stop)
	return loadNode(t, name, "unix://"+socket)
}

// hijacked is a listener for connections that come from /grpc.
type hijacked struct {
	net.Listener
	ctx   context.Context //nolint:containedctx // net.Listener has no other way
	conns <-chan net.Conn
}

func (h hijacked) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (hijacked) Close() error { return nil }

var version = regexp.MustCompile(`^/v1\.\d+`)

func (e *engine) serve(ctx context.Context, t *testing.T, w http.ResponseWriter, r *http.Request) {
	t.Helper()
	path := version.ReplaceAllString(r.URL.Path, "")
	image, isImage := strings.CutPrefix(path, "/images/")
	switch {
	case path == "/_ping" && !e.Deaf.Load():
		w.Header().Set("Api-Version", "1.51")
		w.Header().Set("Builder-Version", "2")
	case path == "/_ping":
		hangUp(w)
	case path == "/info":
		w.Header().Set("Content-Type", "application/json")
		assert.Check(t, json.NewEncoder(w).Encode(system.Info{ID: e.name, OSType: "linux", Architecture: e.machine}))
	case path == "/session":
		assert.Check(t, e.sessions.HandleHTTPRequest(ctx, w, r))
	case path == "/grpc":
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.Check(t, err) {
			_, err = io.WriteString(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
			assert.Check(t, err)
			select {
			case e.conns <- conn:
			case <-ctx.Done():
				_ = conn.Close()
			}
		}
	case strings.HasPrefix(path, "/distribution/"):
		login, err := authconfig.Decode(r.Header.Get("X-Registry-Auth"))
		assert.Check(t, err)
		e.note("look %s %s", strings.TrimSuffix(strings.TrimPrefix(path, "/distribution/"), "/json"), login.Username)
		e.Distribution(w)
	case isImage && strings.HasSuffix(image, "/tag"):
		e.note("tag %s %s:%s", strings.TrimSuffix(image, "/tag"), r.URL.Query().Get("repo"), r.URL.Query().Get("tag"))
		w.WriteHeader(http.StatusCreated)
	case isImage && strings.HasSuffix(image, "/push"):
		login, err := authconfig.Decode(r.Header.Get("X-Registry-Auth"))
		assert.Check(t, err)
		e.push(w, strings.TrimSuffix(image, "/push")+":"+r.URL.Query().Get("tag"), login.Username)
	case path == "/images/get":
		e.note("save %s", strings.Join(r.URL.Query()["names"], ","))
		e.Save(w)
	case path == "/containers/json":
		_, _ = io.WriteString(w, "[]")
	case path == "/containers/create":
		e.Create(w)
	case strings.HasPrefix(path, "/containers/") && r.Method == http.MethodDelete && e.Deaf.Load():
		hangUp(w)
	case strings.HasPrefix(path, "/containers/") && r.Method == http.MethodDelete:
		e.note("remove %s", strings.TrimPrefix(path, "/containers/"))
	case isImage && r.Method == http.MethodDelete:
		e.note("remove %s", image)
		if strings.Contains(image, "missing") {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, "[]")
	case isImage && strings.HasSuffix(image, "/json") && e.loses():
		w.WriteHeader(http.StatusNotFound)
	case isImage && strings.HasSuffix(image, "/json"):
		w.Header().Set("Content-Type", "application/json")
		assert.Check(t, json.NewEncoder(w).Encode(map[string]any{"RepoDigests": e.RepoDigests}))
	default:
		t.Errorf("engine was asked %s %s", r.Method, r.URL)
		http.NotFound(w, r)
	}
}

func (e *engine) loses() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Lost--
	return e.Lost >= 0
}

func (e *engine) push(w http.ResponseWriter, name, user string) {
	e.note("push %s %s", name, user)
	e.mu.Lock()
	e.pushes++
	n := e.pushes
	e.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if e.Push != nil {
		e.Push(n, w)
		return
	}
	_, _ = io.WriteString(w, `{"status":"1: digest: `+idOf("manifest of "+e.name).String()+` size: 5"}`)
}

func hangUp(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func (e *engine) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, fmt.Sprintf(format, args...))
}

// done returns what the engine was asked to do that began with verb.
func (e *engine) done(verb string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := []string{}
	for _, call := range e.calls {
		if strings.HasPrefix(call, verb+" ") {
			all = append(all, call)
		}
	}
	return all
}

// end is closed when the build ref ended.
func (e *engine) end(ref string) chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended[ref] == nil {
		e.ended[ref] = make(chan struct{})
	}
	return e.ended[ref]
}

// Solve implements control.ControlServer.
func (e *engine) Solve(ctx context.Context, req *control.SolveRequest) (*control.SolveResponse, error) {
	defer close(e.end(req.GetRef()))
	e.note("build %s %s", req.GetFrontendAttrs()["platform"], req.GetExporters()[0].GetAttrs()["name"])
	client, err := e.sessions.Get(ctx, req.GetSession(), false)
	if err != nil {
		return nil, err
	}
	id := idOf(e.name)
	if e.Build != nil {
		if id, err = e.Build(ctx, req, client); err != nil {
			return nil, err
		}
	}
	return &control.SolveResponse{ExporterResponse: map[string]string{"containerimage.digest": id.String()}}, nil
}

// Status implements control.ControlServer.
func (e *engine) Status(req *control.StatusRequest, stream grpc.ServerStreamingServer[control.StatusResponse]) error {
	for _, event := range e.Events {
		if err := stream.Send(event); err != nil {
			return err
		}
	}
	select {
	case <-e.end(req.GetRef()):
		return nil
	case <-stream.Context().Done():
		return stream.Context().Err()
	}
}

// ListWorkers implements control.ControlServer.
func (e *engine) ListWorkers(context.Context, *control.ListWorkersRequest) (*control.ListWorkersResponse, error) {
	if e.Workers == nil {
		return nil, errors.New("no workers")
	}
	return &control.ListWorkersResponse{Record: e.Workers}, nil
}

// userStore is a context store with one context.
type userStore struct{ store.Store }

func (s userStore) ContextStore() store.Store { return s }
func (userStore) CurrentContext() string      { return "default" }

// loadNode makes a node of an endpoint and probes it.
func loadNode(t *testing.T, name, host string) *contexts.Node {
	t.Helper()
	n := newNode(t, name, host)
	assert.NilError(t, contexts.Nodes{n}.Probe(t.Context(), nil))
	assert.NilError(t, n.Err)
	return n
}

// newNode makes a node of an endpoint.
func newNode(t *testing.T, name, host string) *contexts.Node {
	t.Helper()
	s := userStore{store.New(t.TempDir(), store.NewConfig(
		func() any { return &command.DockerContext{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} }),
	))}
	assert.NilError(t, s.CreateOrUpdate(store.Metadata{
		Name: name, Metadata: command.DockerContext{},
		Endpoints: map[string]any{docker.DockerEndpoint: docker.EndpointMeta{Host: host}},
	}))
	nodes, err := contexts.Load(s, name)
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, nodes.Close()) })
	return nodes[0]
}
