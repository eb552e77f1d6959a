package standin

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"

	buildkit "github.com/moby/buildkit/client"
	dockerclient "github.com/moby/moby/client"
	"gotest.tools/v3/assert"
)

// connect has docker's own client talk to the stand-in.
func connect(t *testing.T, e *Engine) *dockerclient.Client {
	t.Helper()
	s, err := e.Listen(t.Context(), "unix", filepath.Join(t.TempDir(), "sock"))
	assert.NilError(t, err)
	t.Cleanup(func() { s.Close() })
	c, err := dockerclient.New(dockerclient.WithHost(s.Host))
	assert.NilError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// dialBuildKit reaches the stand-in's BuildKit as docker does.
func dialBuildKit(t *testing.T, c *dockerclient.Client) *buildkit.Client {
	t.Helper()
	b, err := buildkit.New(t.Context(), "",
		buildkit.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return c.DialHijack(ctx, "/grpc", "h2c", nil) }),
		buildkit.WithSessionDialer(func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
			return c.DialHijack(ctx, "/session", proto, meta)
		}))
	assert.NilError(t, err)
	t.Cleanup(func() { b.Close() })
	return b
}

func TestSaysWhatItIsTold(t *testing.T) {
	t.Parallel()
	e := &Engine{ID: "me", Architecture: "armv6l", Version: "1.2.3", API: "1.44"}
	c := connect(t, e)
	ping, err := c.Ping(t.Context(), dockerclient.PingOptions{NegotiateAPIVersion: true})
	assert.NilError(t, err)
	assert.Equal(t, ping.APIVersion, "1.44")
	info, err := c.Info(t.Context(), dockerclient.InfoOptions{})
	assert.NilError(t, err)
	assert.Equal(t, info.Info.ID+" "+info.Info.Architecture+" "+info.Info.OSType+" "+info.Info.ServerVersion, "me armv6l linux 1.2.3")
	version, err := c.ServerVersion(t.Context(), dockerclient.ServerVersionOptions{})
	assert.NilError(t, err)
	assert.Equal(t, version.Arch, "armv6l")
	assert.Equal(t, e.Asked("info"), 1)
}

func TestIsAskedToBuild(t *testing.T) {
	t.Parallel()
	e := &Engine{Workers: []string{"linux/amd64", "linux/arm/v6"}}
	b := dialBuildKit(t, connect(t, e))
	workers, err := b.ListWorkers(t.Context())
	assert.NilError(t, err)
	assert.Equal(t, workers[0].Platforms[1].Variant, "v6")

	_, err = b.Solve(t.Context(), nil, buildkit.SolveOpt{Frontend: "dockerfile.v0"}, nil)
	assert.ErrorContains(t, err, "builds nothing")
}

func TestBuildGivesWhatItIsTold(t *testing.T) {
	t.Parallel()
	e := &Engine{Solve: func(_ context.Context, platform string) (string, error) {
		if platform == "linux/amd64" {
			return "sha256:1", nil
		}
		return "", errors.New("no space left on device")
	}}
	b := dialBuildKit(t, connect(t, e))
	solve := func(platform string) (*buildkit.SolveResponse, error) {
		return b.Solve(t.Context(), nil, buildkit.SolveOpt{
			Frontend: "dockerfile.v0", FrontendAttrs: map[string]string{"platform": platform},
		}, nil)
	}
	response, err := solve("linux/amd64")
	assert.NilError(t, err)
	assert.Equal(t, response.ExporterResponse["containerimage.digest"], "sha256:1")
	_, err = solve("linux/386")
	assert.ErrorContains(t, err, "no space left on device")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		engine *Engine
		says   string
	}{
		"status":  {&Engine{Faults: On("info", Status(500, "broken"))}, "broken"},
		"text":    {&Engine{Faults: On("info", Text("<html>"))}, "invalid character"},
		"hang up": {&Engine{Faults: On("info", HangUp)}, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := connect(t, test.engine).Info(t.Context(), dockerclient.InfoOptions{})
			assert.ErrorContains(t, err, test.says)
		})
	}
}
