//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/standin"
)

// troubleWith is a build whose first node for linux/amd64 is a stand-in.
func troubleWith(t *testing.T, e *standin.Engine) trouble {
	t.Helper()
	x := trouble{newNodeScene(t, "amd64", "i386"), "odd", filepath.Join(t.TempDir(), "metadata.json")}
	x.addContexts(map[string]string{"odd": standIn(t, e)})
	x.configure("currentContext", "odd")
	return x
}

// A node without room is as good as lost.
func TestFullNodeIsReplaced(t *testing.T) {
	t.Parallel()
	x := troubleWith(t, &standin.Engine{Solve: func(context.Context, string) (string, error) {
		return "", errors.New("failed to copy files: write /var/lib/docker/tmp/x: no space left on device")
	}})
	x.moved(x.start(x.dir("RUN true")).wait(), "odd: build: no space left on the node")
}

// mortal dies when it is asked to build.
func mortal() *standin.Engine {
	var dead atomic.Bool
	return &standin.Engine{Faults: map[string]http.HandlerFunc{
		"grpc": func(w http.ResponseWriter, r *http.Request) {
			dead.Store(true)
			standin.HangUp(w, r)
		},
		"_ping": func(w http.ResponseWriter, r *http.Request) {
			if dead.Load() {
				standin.HangUp(w, r)
			}
		},
	}}
}

// A node may have answered when it was asked what it is, and be gone when it is to build.
func TestNodeThatDiesAfterTheProbe(t *testing.T) {
	t.Parallel()
	x := troubleWith(t, mortal())
	x.moved(x.start(x.dir("RUN true")).wait(), "odd: build: lost the node")
}

// A step that fails, fails: another node is not even asked.
func TestFailingRunIsNotMoved(t *testing.T) {
	t.Parallel()
	s, spare := newNodeScene(t, "trixie", "i386"), &standin.Engine{}
	s.addContexts(map[string]string{"spare": standIn(t, spare)})

	r := s.push("--platform", "linux/amd64,linux/386", s.dir("RUN "+onEach("exit 7", "true")))

	r.failed(1, "linux/amd64 on trixie: build", "exit code: 7")
	assert.Equal(t, spare.Asked("grpc"), 0, "it was tried elsewhere")
	s.unharmed()
}

// A build without result is none, whatever an engine says.
func TestEngineWithoutVerdict(t *testing.T) {
	t.Parallel()
	for name, digest := range map[string]string{"nothing": "", "nonsense": "sha256:1234"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newNodeScene(t, "i386")
			s.addContexts(map[string]string{"odd": standIn(t, &standin.Engine{Solve: func(context.Context, string) (string, error) { return digest, nil }})})
			s.push("--platform", "linux/amd64,linux/386", s.dir("RUN true")).failed(1, "linux/amd64 on odd: build", "without a result")
			s.unharmed()
		})
	}
}

// Logins don't cross plain tcp to another host, unless the user says so for that node.
func TestNoLoginOverPlainTCP(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		login   bool
		private bool // The base image needs the login.
		push    bool
		local   bool // The node is on loopback.
		config  string
		refused bool
	}{
		"push with a login":           {login: true, push: true, refused: true},
		"push without a login":        {push: true},
		"push on loopback":            {login: true, push: true, local: true},
		"push, insecure":              {login: true, push: true, config: "insecure: true"},
		"push, other setting":         {login: true, push: true, config: "insecure: false", refused: true},
		"no push":                     {login: true},
		"base image with a login":     {login: true, private: true, refused: true},
		"base image, insecure":        {login: true, private: true, config: "insecure: true"},
		"base image without a login":  {private: true},
		"base image, no login for it": {push: true, private: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, host := newScene(t), hostAddress(t)
			if test.local {
				host = "127.0.0.1"
			}
			s.haveContexts()
			// On this machine, where the registry is.
			here, err := os.Hostname()
			assert.NilError(t, err)
			s.addContexts(map[string]string{"plain": standInAt(t, &standin.Engine{Hostname: here}, "tcp", host+":0")})
			if test.config != "" {
				s.nodesYAML("node:", "  plain:", "    "+test.config)
			}
			if test.login {
				s.configure("auths", map[string]any{s.front.address: login(), farm.private: login()})
			}
			from := baseImage()
			if test.private {
				from = farm.private + "/busybox"
			}
			args := []string{"--platform", "linux/amd64", "--dry-run", files{"Dockerfile": "FROM " + from + "\n"}.dir(t)}
			if test.push {
				args = s.pushing(args...)
			}
			r := s.build(args...)
			if test.refused {
				r.failed(125, "plain tcp", "plain")
			} else {
				r.succeeded()
			}
		})
	}
}

// That holds as well for a node that only takes over.
func TestNoLoginOverPlainTCPAfterAMove(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.haveContexts()
	var leaked atomic.Bool
	plain := &standin.Engine{
		ID:    "plain",
		Solve: func(context.Context, string) (string, error) { return "sha256:" + strings.Repeat("a", 64), nil },
		Faults: standin.On("", func(w http.ResponseWriter, r *http.Request) {
			if len(r.Header.Get("X-Registry-Auth")) > len("e30=") { // {}
				leaked.Store(true)
			}
			w.WriteHeader(http.StatusCreated)
		}),
	}
	s.addContexts(map[string]string{"a": standIn(t, mortal()), "b": standInAt(t, plain, "tcp", hostAddress(t)+":0")})
	s.configure("auths", map[string]any{s.front.address: login()})

	r := s.push("--platform", "linux/amd64", s.dir())

	assert.Check(t, r.code != 0, "%s", r)
	assert.Check(t, !leaked.Load(), "the login crossed plain tcp: %s", r)
	s.unharmed()
}

// login is the farm's, as config.json has it.
func login() map[string]any {
	return map[string]any{"auth": base64.StdEncoding.EncodeToString([]byte(farm.user + ":" + farm.password))}
}
