// Package plugintest gives tests of commands a docker command line, engines and
// registries of their own.
//
// It knows no command: who tests one runs it.
package plugintest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/docker/cli/cli/flags"
	refname "github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/spf13/cobra"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/standin"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// Docker is a real docker command line with a configuration directory of the
// test's own. Its tests can't be parallel: docker keeps the directory in a
// variable, and the environment counts.
type Docker struct {
	CLI      *command.DockerCli
	Dir      string // of the configuration
	Out, Err bytes.Buffer
}

// New makes a command line with contexts by name and endpoint.
func New(t *testing.T, current string, hosts map[string]string) *Docker {
	t.Helper()
	for _, key := range []string{"DOCKER_HOST", command.EnvOverrideContext, "BUILDKIT_PROGRESS", "DOCKER_DEFAULT_PLATFORM", "SOURCE_DATE_EPOCH"} {
		t.Setenv(key, "")
		assert.NilError(t, os.Unsetenv(key))
	}
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	d := &Docker{Dir: t.TempDir()}
	before := config.Dir()
	config.SetDir(d.Dir)
	t.Cleanup(func() { config.SetDir(before) })
	text, err := json.Marshal(map[string]any{"currentContext": current})
	assert.NilError(t, err)
	assert.NilError(t, os.WriteFile(filepath.Join(d.Dir, "config.json"), text, 0o600))

	d.CLI, err = command.NewDockerCli(
		command.WithBaseContext(t.Context()), command.WithInputStream(io.NopCloser(strings.NewReader(""))),
		command.WithOutputStream(&d.Out), command.WithErrorStream(&d.Err),
	)
	assert.NilError(t, err)
	assert.NilError(t, d.CLI.Initialize(flags.NewClientOptions()))
	for name, host := range hosts {
		assert.NilError(t, d.CLI.ContextStore().CreateOrUpdate(Context(name, host)))
	}
	return d
}

// Run runs a command with those arguments.
func (d *Docker) Run(ctx context.Context, cmd *cobra.Command, args ...string) error {
	d.Out.Reset()
	d.Err.Reset()
	cmd.SetArgs(args)
	cmd.SetOut(&d.Out)
	cmd.SetErr(&d.Err)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	return cmd.ExecuteContext(ctx)
}

// Two is a command line with an engine for amd64 and one for arm64, and a build
// context.
func Two(t *testing.T) (d *Docker, amd, arm *standin.Engine, dir string) {
	t.Helper()
	amd, arm = Builder(t, "AMD", "x86_64"), Builder(t, "ARM", "aarch64")
	d = New(t, "laptop", map[string]string{"laptop": Listen(t, amd), "pi": Listen(t, arm)})
	return d, amd, arm, Dir(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /\n", "a": "x"})
}

// Listen starts a stand-in for an engine and returns its endpoint.
func Listen(t *testing.T, e *standin.Engine) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "e") // a socket's path is limited
	assert.NilError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, err := e.Listen(t.Context(), "unix", filepath.Join(dir, "s"))
	assert.NilError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	return server.Host
}

// Builder is a stand-in whose every build gives the image of that platform,
// which it pushes to where it is told, as an engine with a graph driver does.
func Builder(t *testing.T, id, machine string) *standin.Engine {
	t.Helper()
	e := &standin.Engine{ID: id, Architecture: machine}
	images := map[string]v1.Image{} // by image ID
	e.Solve = func(_ context.Context, platform string) (string, error) {
		image := Image(t, platform, 1)
		config, err := image.ConfigName()
		images[config.String()] = image
		return config.String(), err
	}
	tagged := map[string]v1.Image{}
	e.Faults = map[string]http.HandlerFunc{
		"tag": func(w http.ResponseWriter, r *http.Request) {
			_, id, _ := strings.Cut(r.URL.Path, "/images/")
			tagged[r.URL.Query().Get("repo")+":"+r.URL.Query().Get("tag")] = images[strings.TrimSuffix(id, "/tag")]
			w.WriteHeader(http.StatusCreated)
		},
		"push": func(w http.ResponseWriter, r *http.Request) {
			_, repo, _ := strings.Cut(r.URL.Path, "/images/")
			tag := r.URL.Query().Get("tag")
			ref := strings.TrimSuffix(repo, "/push") + ":" + tag
			digest, err := Upload(ref, tagged[ref])
			if err != nil {
				_, _ = io.WriteString(w, `{"errorDetail":{"message":"`+err.Error()+`"}}`)
				return
			}
			_, _ = io.WriteString(w, `{"status":"`+tag+`: digest: `+digest.String()+` size: 1"}`)
		},
	}
	byPath := e.Faults
	e.Faults = standin.On("", func(w http.ResponseWriter, r *http.Request) {
		answer, ok := byPath[filepath.Base(r.URL.Path)]
		if !ok {
			t.Errorf("engine %s was asked %s %s", id, r.Method, r.URL)
			answer = http.NotFound
		}
		answer(w, r)
	})
	return e
}

// Upload pushes an image and returns its digest.
func Upload(ref string, image v1.Image) (v1.Hash, error) {
	if image == nil {
		return v1.Hash{}, errors.New("no such image: " + ref)
	}
	tag, err := refname.NewTag(ref, refname.Insecure)
	if err != nil {
		return v1.Hash{}, err
	}
	if err := remote.Write(tag, image); err != nil {
		return v1.Hash{}, err
	}
	return image.Digest()
}

// Image makes the same image every time: as many layers as asked for, of
// some bytes each.
func Image(t *testing.T, platform string, layers int) v1.Image {
	t.Helper()
	image := mutate.MediaType(empty.Image, types.DockerManifestSchema2)
	for i := range layers {
		var err error
		image, err = mutate.AppendLayers(image, static.NewLayer([]byte(strings.Repeat(platform, 100*(i+1))), types.DockerLayer))
		assert.NilError(t, err)
	}
	file, err := image.ConfigFile()
	assert.NilError(t, err)
	file = file.DeepCopy()
	parts := append(strings.Split(platform, "/"), "")
	file.OS, file.Architecture, file.Variant = parts[0], parts[1], parts[2]
	image, err = mutate.ConfigFile(image, file)
	assert.NilError(t, err)
	return image
}

// Registry is a registry in memory; before, if it is not nil, may answer
// in its place.
func Registry(t *testing.T, before func(http.ResponseWriter, *http.Request) bool) (host string) {
	t.Helper()
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before == nil || !before(w, r) {
			real.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// Dir makes a directory of files.
func Dir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		assert.NilError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		assert.NilError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

// Targets reads references, which need be right.
func Targets(all ...string) []reference.NamedTagged {
	tags := make([]reference.NamedTagged, len(all))
	for i, s := range all {
		named, err := reference.ParseNormalizedNamed(s)
		if err != nil {
			panic(err)
		}
		tags[i] = reference.TagNameOnly(named).(reference.NamedTagged)
	}
	return tags
}

// Names are the same, with no word on tags.
func Names(all ...string) []reference.Named {
	named := make([]reference.Named, len(all))
	for i, tag := range Targets(all...) {
		named[i] = tag
	}
	return named
}

// Contains fails the test unless text has all the parts.
func Contains(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, part := range all {
		assert.Assert(t, strings.Contains(text, part), "%q is not in:\n%s", part, text)
	}
}

// Context is a Docker context of that name and endpoint.
func Context(name, host string) store.Metadata {
	return store.Metadata{
		Name: name, Metadata: command.DockerContext{},
		Endpoints: map[string]any{docker.DockerEndpoint: docker.EndpointMeta{Host: host}},
	}
}

// Wrong tells whether err is a mistake in how the command was called.
func Wrong(err error) bool {
	_, ok := errors.AsType[argument.Error](err)
	return ok
}
