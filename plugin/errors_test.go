package plugin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/containerd/platforms"
	"github.com/docker/cli/cli"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/check"
	"github.com/docker-multiarch/docker-multiarch/check/binary"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/contexts/power"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/manifest/archive"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/builder"
	"github.com/docker-multiarch/docker-multiarch/plugin/dockerfile"
	"github.com/docker-multiarch/docker-multiarch/plugin/image"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// onNode is an error as it comes from a node.
func onNode(op string, err error) error {
	return &build.NodeError{Node: "pi", Platform: platforms.MustParse("linux/arm64"), Op: op, Err: err}
}

// fromRegistry is an error as it comes from a registry.
func fromRegistry(class error) error {
	return &manifest.Error{Op: "reading", Host: "reg.example.com", Reference: "reg.example.com/app:1", Class: class}
}

var explained = []struct {
	name string
	err  error
	code int
	hint string
}{
	{"an interrupt, whatever it broke", fmt.Errorf("%w: %w", errInterrupted, onNode("push", build.ErrNodeLost)), 130, ""},
	{"a registry that nodes look for on themselves", argument.Wrong(&builder.LoopbackError{Node: &contexts.Node{Name: "pi"}}), 125, "--relay pi"},
	{"a wrong flag", argument.Wrong(errors.New("unknown flag: --x")), 125, "--help"},
	{"a wrong platform", &platform.Error{Text: "x", Err: errors.New("y")}, 125, "linux/arm/v7"},
	{"tags that collide", fmt.Errorf("%w: x", build.ErrTagCollision), 125, "--platform-tag"},
	{"no tag to push", fmt.Errorf("%w: x", build.ErrNeedsTag), 125, "--platform-tag=none"},
	{"an unknown context in the configuration", fmt.Errorf("%w: x", config.ErrUnknownContext), 125, "docker context ls"},
	{"commands that others could have written", &config.Error{Err: config.ErrNotOwned}, 125, "chmod go-w"},
	{"a start command that fails", onNode("start", fmt.Errorf("%w: %w", build.ErrNodeLost, power.ErrHook)), 3, "multiarch.yaml"},
	{"a node that is something else", onNode("start", fmt.Errorf("%w: %w", build.ErrNodeLost, contexts.ErrNotDeclared)), 3, "platforms"},
	{"a node in use", fmt.Errorf("x: %w", power.ErrInUse), 3, "--force"},
	{"a node with something on it", fmt.Errorf("x: %w", power.ErrBusy), 3, "--force"},
	{"a stop that is none", fmt.Errorf("x: %w", power.ErrStillAwake), 3, "stop command"},
	{"a mistake in the configuration", &config.Error{Path: "multiarch.yaml", Line: 5, Err: errors.New("unknown key")}, 125, "docker multiarch node config --help"},
	{"what an engine can't", errors.Join(&build.UnsupportedError{Feature: "--shm-size"}, &build.UnsupportedError{}), 125, "--node PLATFORM:CONTEXT"},
	{"an unknown context", fmt.Errorf("%w: x", contexts.ErrUnknownContext), 125, "docker context ls"},
	{"some targets alone", &registry.PartialError{Err: fromRegistry(manifest.ErrDenied)}, 5, "Run the same command again"},
	{"a platform less", &build.DroppedError{Planned: []ocispec.Platform{platforms.MustParse("linux/amd64"), platforms.MustParse("linux/arm/v7")}}, 2, "--platform linux/amd64,linux/arm/v7"},
	{"no node", errors.Join(&build.NoNodeError{}, &build.NoNodeError{}), 2, "docker context create"},
	{"a tag that could not be read back", &manifest.Error{Class: manifest.ErrUnproven, Err: fromRegistry(manifest.ErrUnauthorized)}, 3, "docker multiarch inspect"},
	{"damage after a tag was written", &manifest.Error{Class: manifest.ErrUnproven, Err: fromRegistry(manifest.ErrDigest)}, 4, ""},
	{"a save that is none", onNode("push", fmt.Errorf("%w: x", archive.ErrInvalid)), 4, ""},
	{"a full disk here", onNode("push", &fs.PathError{Op: "write", Path: "/tmp/x", Err: syscall.ENOSPC}), 1, "TMPDIR"},
	{"a tag that moved", fromRegistry(manifest.ErrChanged), 6, "at the same time"},
	{"a tag that can't move", fromRegistry(manifest.ErrImmutable), 6, "new tag"},
	{"a file that changed", onNode("build", fmt.Errorf("a %w", source.ErrChanged)), 4, "nothing writes"},
	{"another image", onNode("push", fmt.Errorf("%w: x", build.ErrOtherImage)), 4, "Another build"},
	{"another digest", onNode("push", fromRegistry(manifest.ErrDigest)), 4, ""},
	{"another platform", onNode("push", fmt.Errorf("%w: x", manifest.ErrPlatform)), 4, ""},
	{"a bad manifest", fromRegistry(manifest.ErrInvalid), 4, ""},
	{"an image that lacks platforms", &image.LackError{}, 4, ""},
	{"an image that is too large", &image.SizeError{}, 4, ""},
	{"a program for another machine", onNode("verify", &binary.MisfitError{Platform: platforms.MustParse("linux/386")}), 4, "--allow-foreign"},
	{"a test that fails", onNode("test", &build.TestError{Test: "x", Shell: true, Started: true, Err: errors.New("exit code: 1")}), 1, ""},
	{"a test without a shell", onNode("test", &build.TestError{Test: "x", Shell: true, Err: errors.New("no such file")}), 1, "takes words"},
	{"a test as a user that the image lacks", onNode("test", &build.TestError{Test: "x", Shell: true, Err: errors.New("unable to find user app: no matching entries in passwd file")}), 1, ""},
	{"a test whose node is lost", onNode("test", &build.TestError{Test: "x", Shell: true, Err: fmt.Errorf("%w: x", build.ErrNodeLost)}), 3, "docker --context pi version"},
	{"a test whose node is full", onNode("test", &build.TestError{Test: "x", Shell: true, Err: fmt.Errorf("%w: x", build.ErrNodeFull)}), 3, "docker --context pi system prune"},
	{"an image that can't be healthy", onNode("test", build.ErrNoHealthcheck), 1, "--test-health"},
	{"what a registry can't", fromRegistry(manifest.ErrUnsupported), 3, ""},
	{"no login", fromRegistry(manifest.ErrUnauthorized), 3, "docker login reg.example.com"},
	{"no login, of whom is not said", fmt.Errorf("x: %w", manifest.ErrUnauthorized), 3, "docker login"},
	{"no permission", fromRegistry(manifest.ErrDenied), 3, "permissions"},
	{"a helper that fails", onNode("push", fmt.Errorf("%w: x", manifest.ErrCredentials)), 3, "credHelpers"},
	{"a certificate", fromRegistry(manifest.ErrCertificate), 3, "SSL_CERT_FILE"},
	{"nothing there", fromRegistry(manifest.ErrNotFound), 3, ""},
	{"a registry that is down", fromRegistry(manifest.ErrUnavailable), 3, "Check the address"},
	{"a registry that goes on with the old one", fromRegistry(manifest.ErrStale), 3, ""},
	{"a base image of other platforms", onNode("build", &build.BaseImageError{Reference: "x", Err: fmt.Errorf("%w: no match", build.ErrBasePlatform)}), 3, "--file linux/arm64:FILE. What there is: docker multiarch inspect x"},
	{"a base image of another Windows", onNode("build", &build.BaseImageError{Reference: "x", Err: fmt.Errorf("%w: incompatible", build.ErrVersion)}), 4, "The base image decides the version of Windows"},
	{"a base image", onNode("build", &build.BaseImageError{Reference: "x", Err: errors.New("y")}), 3, "node pi could not get it"},
	{"a lost node", onNode("build", fmt.Errorf("%w: x", build.ErrNodeLost)), 3, "docker --context pi version"},
	{"an image that was removed while it was built", onNode("build", build.ErrImageLost), 3, "Something removes images there"},
	{"a full node", onNode("build", fmt.Errorf("%w: x", build.ErrNodeFull)), 3, "docker --context pi system prune"},
	{"a login over plain tcp", onNode("push", fmt.Errorf("%w: x", build.ErrExposed)), 125, "insecure: true"},
	{"a push that fails", onNode("push", errors.New("x")), 3, "node pi could not push"},
	{"a bad Dockerfile", fmt.Errorf("%w: x", build.ErrDockerfile), 1, ""},
	{"a check that finds something", builder.ErrCheck, 4, ""},
	{"a Dockerfile with something to mend, and a registry that is down", errors.Join(&dockerfile.FindingsError{}, fromRegistry(manifest.ErrUnavailable)), 4, ""},
	{"a Dockerfile that can't be checked", fmt.Errorf("%w: x", check.ErrDockerfile), 1, ""},
	{"a name that Windows can't have", fmt.Errorf("%w: x", source.ErrWindows), 125, "for Windows"},
	{"a name that can't be sent", fmt.Errorf("%w: x", source.ErrName), 1, ".dockerignore"},
	{"an engine that is down", fmt.Errorf("%w: x", errNodeDown), 3, "docker version"},
	{"stopped", onNode("build", fmt.Errorf("x: %w", context.Canceled)), 130, ""},
	{"a step that fails", onNode("build", errors.New("exit code: 1")), 1, ""},
	{"anything else", errors.New("x"), 1, ""},
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, c := range explained {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, hint := explain(c.err)
			assert.Equal(t, code, c.code)
			if c.hint == "" {
				assert.Equal(t, hint, "")
			}
			plugintest.Contains(t, hint, c.hint)
			// Wrapping changes nothing.
			wrapped, _ := explain(fmt.Errorf("wrapped: %w", c.err))
			assert.Equal(t, wrapped, c.code)
		})
	}
}

func TestEveryExplanationIsTheFirstThatFitsSomething(t *testing.T) {
	t.Parallel()
	used := make([]bool, len(explanations))
	for _, c := range explained {
		for i, e := range explanations {
			if e.is(c.err) {
				used[i] = true
				break
			}
		}
	}
	for i, ok := range used {
		assert.Check(t, ok, "entry %d of explanations is never reached by a row of the test", i)
	}
}

func TestAnErrorOfABaseImageOutsideANodeIsExplainedToo(t *testing.T) {
	t.Parallel()
	code, _ := explain(&build.BaseImageError{Reference: "x", Err: errors.New("y")})
	assert.Equal(t, code, 3)
}

func TestFailIsNothingForNothing(t *testing.T) {
	t.Parallel()
	assert.NilError(t, fail("x", nil))
}

func TestFailKeepsTheCauseAndCleansTheText(t *testing.T) {
	t.Parallel()
	cause := errors.New("evil\x1b[2J\x07 words")
	err := fail("docker multiarch build", argument.Wrong(cause))
	assert.ErrorIs(t, err, cause)
	var status cli.StatusError
	assert.Assert(t, errors.As(err, &status))
	assert.Equal(t, status.StatusCode, 125)
	assert.Equal(t, status.Error(), "evil words\n\nRun 'docker multiarch build --help' for more information.")
	assert.Equal(t, fail("x", errors.New("plain")).Error(), "plain")
}
