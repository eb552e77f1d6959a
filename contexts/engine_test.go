package contexts

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/moby/moby/api/types/system"
	"gotest.tools/v3/assert"
)

// engine is a stand-in for a Docker engine: it answers /_ping and /info on a
// unix socket. A test that asks it for anything else fails.
type engine struct {
	// Info is what it says of itself, Builder the header Builder-Version.
	Info    system.Info
	Builder string
	// Ping and AskInfo replace its answers.
	Ping, AskInfo http.HandlerFunc
}

// start returns the engine's endpoint.
func (e engine) start(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(shortDir(t), "e.sock")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	assert.NilError(t, err)
	server := &httptest.Server{Listener: listener, Config: &http.Server{
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.serve(t, w, r) }),
		ErrorLog: log.New(io.Discard, "", 0),
	}}
	server.Start()
	t.Cleanup(server.Close)
	return "unix://" + socket
}

// shortDir is a directory with a short name: that of a socket is limited.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "e")
	assert.NilError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (e engine) serve(t *testing.T, w http.ResponseWriter, r *http.Request) {
	t.Helper()
	switch {
	case r.URL.Path == "/_ping" && e.Ping != nil:
		e.Ping(w, r)
	case r.URL.Path == "/_ping":
		w.Header().Set("Api-Version", "1.51")
		w.Header().Set("Ostype", e.Info.OSType)
		if e.Builder != "" {
			w.Header().Set("Builder-Version", e.Builder)
		}
		_, _ = io.WriteString(w, "OK")
	case strings.HasSuffix(r.URL.Path, "/info") && e.AskInfo != nil:
		e.AskInfo(w, r)
	case strings.HasSuffix(r.URL.Path, "/info"):
		w.Header().Set("Content-Type", "application/json")
		assert.Check(t, json.NewEncoder(w).Encode(e.Info))
	default:
		t.Errorf("engine was asked %s %s", r.Method, r.URL)
		http.NotFound(w, r)
	}
}

// linux is what an engine of an architecture says of itself.
func linux(id, arch string) system.Info {
	return system.Info{ID: id, OSType: "linux", Architecture: arch, ServerVersion: "28.5.2", NCPU: 4, MemTotal: 8 << 30}
}

// contextStore is a user's context store in a directory of the test's own,
// with the context "default" that docker adds to every one.
type contextStore struct {
	*command.ContextStoreWithDefault
	current string
}

func (s *contextStore) ContextStore() store.Store { return s }
func (s *contextStore) CurrentContext() string    { return s.current }

// newStore makes a store with contexts by name and endpoint; defaultHost is the
// endpoint of "default".
func newStore(t *testing.T, current, defaultHost string, hosts map[string]string) *contextStore {
	t.Helper()
	config := store.NewConfig(
		func() any { return &command.DockerContext{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} }),
	)
	s := &contextStore{current: current, ContextStoreWithDefault: &command.ContextStoreWithDefault{
		Store: store.New(t.TempDir(), config),
		Resolver: func() (*command.DefaultContext, error) {
			return &command.DefaultContext{Meta: meta(defaultContext, defaultHost)}, nil
		},
	}}
	for name, host := range hosts {
		assert.NilError(t, s.CreateOrUpdate(meta(name, host)))
	}
	return s
}

func meta(name, host string) store.Metadata {
	return store.Metadata{
		Name: name, Metadata: command.DockerContext{},
		Endpoints: map[string]any{docker.DockerEndpoint: docker.EndpointMeta{Host: host}},
	}
}

// load loads the nodes and closes them at the end of the test.
func load(t *testing.T, s Store, names ...string) Nodes {
	t.Helper()
	nodes, err := Load(s, names...)
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, nodes.Close()) })
	return nodes
}

func names(ns Nodes) string {
	all := make([]string, len(ns))
	for i, n := range ns {
		all[i] = n.Name
	}
	return strings.Join(all, " ")
}
