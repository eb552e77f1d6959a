package build

import (
	"errors"
	"strings"
	"testing"

	control "github.com/moby/buildkit/api/services/control"
	apitypes "github.com/moby/buildkit/api/types"
	"github.com/moby/buildkit/solver/pb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

func vertex(name, problem string) []*control.StatusResponse {
	return []*control.StatusResponse{{Vertexes: []*control.Vertex{{Digest: idOf(name).String(), Name: name, Error: problem}}}}
}

func TestABaseImageThatCannotBeHadIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, vertex, vertexError, failure string
		reference, text                    string // "" for no base image's fault
	}{
		{
			"FROM", "[internal] load metadata for reg.example.com/base:1", "denied",
			"failed to solve: failed to create LLB definition: reg.example.com/base:1: failed to resolve source metadata for reg.example.com/base:1: denied", "reg.example.com/base:1", "denied",
		},
		{
			"syntax", "resolve image config for docker-image://docker.io/docker/dockerfile:1", "no such host",
			"failed to resolve source metadata for docker.io/docker/dockerfile:1: no such host", "docker.io/docker/dockerfile:1", "no such host",
		},
		{
			"a named context in place of a FROM", "[context reg.example.com/base] load metadata for reg.example.com/other:1", "not found",
			"failed to solve: failed to resolve source metadata for reg.example.com/other:1: not found", "reg.example.com/other:1", "not found",
		},
		{"an error that says nothing of it", "[internal] load metadata for x", "boom", "boom", "x", "failed to solve: boom"},
		{"terminal sequences", "[internal] load metadata for x\x1b[2J", "boom", "bo\x1b[2Jom", "x", "failed to solve: boom"},
		{"another step", "[2/3] RUN false", "exit code: 1", "exit code: 1", "", ""},
		{"a look-up that worked", "[internal] load metadata for x", "", "exit code: 1", "", ""},
		{"a look-up that was stopped with the rest", "[internal] load metadata for x", "context canceled", "exit code: 1", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := &engine{Events: vertex(c.vertex, c.vertexError), Build: failing(status.Error(codes.Unknown, c.failure), already)}
			nodes := contexts.Nodes{e.start(t, "a", "x86_64")}
			_, err := runner(t).Run(t.Context(), always(request(t)), plan(t, nodes, Wanted{}))
			isNodeError(t, err, "a", "build")
			var base *BaseImageError
			if c.reference == "" {
				assert.Assert(t, !errors.As(err, &base), "%v", err)
				return
			}
			assert.Assert(t, errors.As(err, &base), "%v", err)
			assert.Equal(t, base.Reference, c.reference)
			assert.Error(t, base, "base image "+c.reference+": "+c.text)
		})
	}
}

// TestABaseImageThatIsThereForAnotherPlatformIsToldFromOneThatIsNot, in the words of each engine.
func TestABaseImageThatIsThereForAnotherPlatformIsToldFromOneThatIsNot(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"no match for platform in manifest sha256:1: not found":                                                             ErrBasePlatform,
		"no matching manifest for windows/amd64 10.0.20348 in the manifest list entries":                                    ErrBasePlatform,
		"image with reference x was found but does not match the specified platform: wanted linux/386, actual: linux/amd64": ErrBasePlatform,
		"image with reference x was found but does not provide the specified platform (linux/386)":                          ErrBasePlatform,
		"a Windows version 10.0.26100-based image is incompatible with a 10.0.20348 host":                                   ErrVersion,
		"failed to do request: dial tcp: lookup reg.example.com: no such host":                                              nil,
	} {
		err := newBaseImageError("x", errors.New(text))
		assert.ErrorContains(t, err, "base image x: ")
		assert.ErrorContains(t, err, text)
		for _, kind := range []error{ErrBasePlatform, ErrVersion} {
			assert.Equal(t, errors.Is(err, kind), kind == want, text) //nolint:errorlint // the very one
		}
	}
}

func TestARegistryThatIsUnavailableForABaseImageIsNoLostNode(t *testing.T) {
	t.Parallel()
	first := &engine{
		Events: vertex("[internal] load metadata for x", "503 Service Unavailable"),
		Build:  failing(status.Error(codes.Unavailable, "failed to resolve source metadata for x: 503 Service Unavailable"), already),
	}
	second := &engine{}
	nodes := contexts.Nodes{first.start(t, "first", "x86_64"), second.start(t, "second", "x86_64")}
	_, err := runner(t).Run(t.Context(), always(request(t)), plan(t, nodes, Wanted{}))
	isNodeError(t, err, "first", "build")
	assert.Assert(t, !errors.Is(err, ErrNodeLost), "%v", err)
}

func TestWhatAnEngineEmulatesIsWhatItsBuildKitOffers(t *testing.T) {
	t.Parallel()
	e := &engine{Workers: []*apitypes.WorkerRecord{
		{Platforms: []*pb.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}},
		{Platforms: []*pb.Platform{{OS: "linux", Architecture: "arm", Variant: "v7"}}},
	}}
	offered, err := Emulates(t.Context(), e.start(t, "a", "x86_64"))
	assert.NilError(t, err)
	assert.DeepEqual(t, offered, parseAll("linux/amd64 linux/arm64 linux/arm/v7"))

	_, err = Emulates(t.Context(), (&engine{}).start(t, "b", "x86_64"))
	assert.ErrorContains(t, err, "asking b what it emulates")
}

func TestImagesAreRemovedUnderAllTheirNames(t *testing.T) {
	t.Parallel()
	e := &engine{}
	n := e.start(t, "a", "x86_64")
	named := Result{Assignment: Assignment{Node: n, Targets: tags("app:1 missing:1"), PlatformTags: tags("app:1-linux-amd64")}, Image: Image{ID: idOf("one")}}
	bare := Result{Assignment: Assignment{Node: n}, Image: Image{ID: idOf("two")}}
	failed := Result{Assignment: Assignment{Node: n, Targets: tags("never:1")}}
	assert.NilError(t, RemoveImages(t.Context(), []Result{named, bare, failed}))
	assert.Equal(t, strings.Join(e.done("remove"), "\n"), "remove docker.io/library/app:1\nremove docker.io/library/missing:1\nremove docker.io/library/app:1-linux-amd64\nremove "+idOf("two").String())

	e.stop()
	err := RemoveImages(t.Context(), []Result{named})
	assert.ErrorContains(t, err, "removing docker.io/library/app:1 from a")
	assert.ErrorContains(t, err, "app:1-linux-amd64", "one that fails keeps no other from being tried")
}
