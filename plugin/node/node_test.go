package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/docker/cli/cli/streams"
	"github.com/moby/moby/api/types/system"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

// standIn answers /_ping and /info as an engine does, and nothing else.
type standIn struct {
	info  system.Info
	asked atomic.Int32
}

// start returns the endpoint of the engine.
func (e *standIn) start(t *testing.T) string {
	t.Helper()
	return listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.asked.Add(1)
		switch {
		case r.URL.Path == "/_ping":
			w.Header().Set("Api-Version", "1.51")
			w.Header().Set("Ostype", e.info.OSType)
			if e.info.OSType == "windows" {
				w.Header().Set("Builder-Version", "1")
			}
		case strings.HasSuffix(r.URL.Path, "/info"):
			w.Header().Set("Content-Type", "application/json")
			assert.Check(t, json.NewEncoder(w).Encode(e.info))
		default:
			http.NotFound(w, r)
		}
	}))
}

// listen serves HTTP on a unix socket, whose path must be short.
func listen(t *testing.T, handler http.Handler) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "n")
	assert.NilError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", socket)
	assert.NilError(t, err)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	server.Start()
	t.Cleanup(server.Close)
	return "unix://" + socket
}

func linuxInfo(id, arch, version string) system.Info {
	return system.Info{ID: id, OSType: "linux", Architecture: arch, ServerVersion: version, NCPU: 4, MemTotal: 8 << 30}
}

// fakeCLI is a docker command line with a configuration directory of the
// test's own.
type fakeCLI struct {
	command.Cli
	dir      string
	current  string
	file     *configfile.ConfigFile
	contexts *command.ContextStoreWithDefault
	out, err bytes.Buffer
}

func (c *fakeCLI) ContextStore() store.Store          { return c.contexts }
func (c *fakeCLI) CurrentContext() string             { return c.current }
func (c *fakeCLI) ConfigFile() *configfile.ConfigFile { return c.file }
func (c *fakeCLI) Out() *streams.Out                  { return streams.NewOut(&c.out) }
func (c *fakeCLI) Err() *streams.Out                  { return streams.NewOut(&c.err) }

// newCLI makes a command line with contexts by name and endpoint, of which
// "default" has no engine, and with a multiarch.yaml unless its text is empty.
func newCLI(t *testing.T, text, current string, hosts map[string]string) *fakeCLI {
	t.Helper()
	dir := t.TempDir()
	storeConfig := store.NewConfig(
		func() any { return &command.DockerContext{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} }),
	)
	c := &fakeCLI{dir: dir, current: current, file: configfile.New(filepath.Join(dir, "config.json"))}
	c.contexts = &command.ContextStoreWithDefault{
		Store: store.New(filepath.Join(dir, "contexts"), storeConfig),
		Resolver: func() (*command.DefaultContext, error) {
			return &command.DefaultContext{Meta: plugintest.Context("default", "unix://"+filepath.Join(dir, "none.sock"))}, nil
		},
	}
	for name, host := range hosts {
		assert.NilError(t, c.contexts.CreateOrUpdate(plugintest.Context(name, host)))
	}
	if text != "" {
		assert.NilError(t, os.WriteFile(c.path(), []byte(text), 0o600))
	}
	return c
}

func (c *fakeCLI) path() string { return filepath.Join(c.dir, config.FileName) }

func (c *fakeCLI) configText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(c.path())
	assert.NilError(t, err)
	return string(text)
}

// node runs docker multiarch node with those arguments.
func (c *fakeCLI) node(t *testing.T, args ...string) error {
	t.Helper()
	c.out.Reset()
	c.err.Reset()
	cmd := NewCommand(c)
	cmd.SetArgs(args)
	cmd.SetOut(&c.out)
	cmd.SetErr(io.Discard)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	return cmd.ExecuteContext(t.Context())
}

var (
	sockets = regexp.MustCompile(`unix://` + regexp.QuoteMeta(os.TempDir()) + `/n\d+/s`)
	pings   = regexp.MustCompile(`("pingSeconds": ?)[0-9.e-]+|\b[0-9.]+(?:ms|µs)\b`)
	gaps    = regexp.MustCompile(`   +`)
)

// stable returns text without what differs from run to run.
func (c *fakeCLI) stable(text string) string {
	text = strings.ReplaceAll(text, c.dir, "DIR")
	text = sockets.ReplaceAllString(text, "unix://SOCKET")
	text = pings.ReplaceAllString(text, "${1}0")
	return gaps.ReplaceAllString(text, "   ")
}

// mistaken tells whether err is a mistake in how the command was called.
func mistaken(err error) bool {
	_, ok := errors.AsType[argument.Error](err)
	_, unknown := errors.AsType[*platform.Error](err)
	return ok || unknown
}

// misconfigured tells whether err is a mistake in multiarch.yaml.
func misconfigured(err error) bool {
	_, ok := errors.AsType[*config.Error](err)
	return ok || errors.Is(err, config.ErrUnknownContext)
}

// farm has a node of every kind: two that are ready, one that is the same as
// another, one whose engine lies about itself, several that are dead, and
// excluded ones.
func farm(t *testing.T) *fakeCLI {
	t.Helper()
	laptop := (&standIn{info: linuxInfo("A", "x86_64", "29.8.2")}).start(t)
	hostile := linuxInfo("H", "riscv64", "29.9\x1b]0;owned\x07\n9")
	excluded := &standIn{info: linuxInfo("X", "s390x", "29.8.2")}
	silent := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	c := newCLI(t, `probe-timeout: 1s
node:
  pi: {parallel: 2, platforms: [linux/arm/v7]}
  mainframe: {exclude: true}
`, "laptop", map[string]string{
		"laptop":    laptop,
		"alias":     laptop,
		"pi":        (&standIn{info: linuxInfo("P", "aarch64", "20.10.24+dfsg1")}).start(t),
		"hostile":   (&standIn{info: hostile}).start(t),
		"gone":      "unix:///nowhere/docker.sock",
		"refused":   "tcp://127.0.0.1:1",
		"silent":    silent,
		"mainframe": excluded.start(t),
	})
	t.Cleanup(func() { assert.Check(t, excluded.asked.Load() == 0, "an excluded context was contacted") })
	return c
}
