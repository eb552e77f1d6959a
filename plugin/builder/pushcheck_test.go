package builder

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

func TestAnotherMachineDoesNotPushToLocalhost(t *testing.T) {
	t.Parallel()
	far := &contexts.Node{Name: "pi", Host: "ssh://pi", Engine: contexts.Engine{ID: "1", Hostname: "another machine"}}
	plan := build.Plan{{Node: far, Pushes: plugintest.Names("127.0.0.1:5000/app:1-linux-arm64")}}
	err := checkLoopback(plan)
	assert.ErrorType(t, errors.Unwrap(err), &LoopbackError{})
	plugintest.Contains(t, err.Error(), "127.0.0.1:5000", "pi (ssh://pi)")
	plan[0].Pushes = plugintest.Names("reg.example.com/app:1-linux-arm64")
	assert.NilError(t, checkLoopback(plan))
	plan[0].Pushes = plugintest.Names("localhost/app:1-linux-arm64")
	assert.ErrorContains(t, checkLoopback(plan), "localhost is this machine's own registry")
	far.Relay = true
	assert.NilError(t, checkLoopback(plan))
	far.Relay = false
	plan[0].Node = &contexts.Node{Name: "here", Host: "unix:///x", Engine: contexts.Engine{ID: "1", Hostname: "another machine"}}
	assert.NilError(t, checkLoopback(plan))
}

func TestTargetsAreLookedUpAtOnce(t *testing.T) {
	t.Parallel()
	first := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			return
		}
		select { // Each waits for the other.
		case first <- struct{}{}:
		case <-first:
		case <-r.Context().Done():
		}
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	host := server.Listener.Addr().String()
	s := &session{input: &input{targets: plugintest.Targets(host+"/a:1", host+"/b:1")}, registry: manifest.New(nil)}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := s.published(ctx)
	assert.NilError(t, err)
	assert.Equal(t, len(s.before), 2)
}

func TestPlainHTTPIsAllowedByTheEnginesOfTheBuild(t *testing.T) {
	t.Parallel()
	listing := contexts.Engine{ID: "1", InsecureRegistries: []string{"reg.example.com:5000"}}
	s := &session{probed: make(chan struct{})}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Assert(t, !s.plain(ended, "reg.example.com:5000"), "nobody has answered yet")
	s.nodes = contexts.Nodes{{Name: "gone", Engine: contexts.Engine{InsecureRegistries: []string{"other.example.com"}}}, {Name: "pi", Engine: listing}}
	close(s.probed)
	assert.Assert(t, s.plain(t.Context(), "reg.example.com:5000"))
	assert.Assert(t, !s.plain(t.Context(), "reg.example.com"))
	assert.Assert(t, !s.plain(t.Context(), "other.example.com"), "a node that did not answer says nothing")
}
