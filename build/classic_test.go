package build

import (
	"context"
	"errors"
	"testing"

	"github.com/docker/cli/cli/config/types"
	buildkit "github.com/moby/buildkit/client"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build/classic"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/credential"
)

func TestWhatFlagsMeanToTheClassicBuilder(t *testing.T) {
	t.Parallel()
	req := Request{
		Dockerfile: &source.Dockerfile{Content: []byte("FROM x\nARG TARGETARCH\nARG A=1\nARG TARGETOS BUILDPLATFORM=x TARGETOSVERSION\n")},
		BuildArgs:  map[string]string{"A": "2", "TARGETOS": "mine"}, AddHosts: []string{"h=1.2.3.4"}, Ulimits: []string{"nofile=1:2"},
		CacheFrom: []buildkit.CacheOptionsEntry{{Type: "registry", Attrs: map[string]string{"ref": "app:old"}}},
		Classic:   ClassicOptions{Isolation: "hyperv", Memory: 5},
	}
	a := Assignment{Platform: parse("linux/arm64"), PlatformTags: tags("app:1")}
	o, err := classicOptions(req, a)
	assert.NilError(t, err)
	args := map[string]string{}
	for key, value := range o.BuildArgs {
		args[key] = *value
	}
	assert.DeepEqual(t, args, map[string]string{"A": "2", "TARGETARCH": "arm64", "TARGETOS": "mine", "BUILDPLATFORM": "linux/arm64"})
	assert.DeepEqual(t, o.Tags, []string{"docker.io/library/app:1"})
	assert.DeepEqual(t, o.ExtraHosts, []string{"h:1.2.3.4"})
	assert.DeepEqual(t, o.CacheFrom, []string{"app:old"})
	assert.Equal(t, o.Ulimits[0].String(), "nofile=1:2")
	assert.Equal(t, string(o.Version)+string(o.Isolation), "1hyperv")
	assert.Assert(t, o.Remove && o.Memory == 5 && len(o.Platforms) == 1)

	a.Platform = parse("windows(10.0.20348)/amd64")
	o, err = classicOptions(req, a)
	assert.NilError(t, err)
	assert.Equal(t, len(o.Platforms), 0, "a Windows engine builds for itself")
	assert.Equal(t, *o.BuildArgs["TARGETOSVERSION"], "10.0.20348")
}

// TestTheClassicBuilderGetsTheLoginsOfItsOwnBases and of no other host.
func TestTheClassicBuilderGetsTheLoginsOfItsOwnBases(t *testing.T) {
	t.Parallel()
	display, err := progress.New(t.Output(), progress.Options{Mode: progress.Quiet})
	assert.NilError(t, err)
	defer func() { assert.NilError(t, display.Wait()) }()
	b := &classicBuilder{credentials: func(_ context.Context, host string) (credential.Login, error) {
		return credential.New(types.AuthConfig{Username: "for " + host}), nil
	}}
	req := Request{Dockerfile: &source.Dockerfile{Content: []byte("FROM busybox\nCOPY --from=example.com/x /a /\n")}}
	logins, err := b.logins(t.Context(), req, Assignment{Platform: parse("linux/amd64")}, display.Writer("a", ""))
	assert.NilError(t, err)
	assert.Equal(t, len(logins), 2)
	assert.Equal(t, logins[hubLogin].Username, "for docker.io")
	assert.Equal(t, logins["example.com"].Username, "for example.com")
}

func TestWhatAClassicBuilderSaysIsTheEnginesOrTheBaseImages(t *testing.T) {
	t.Parallel()
	expand := func(base string) string { return "expanded " + base }
	_, isEngine := errors.AsType[*EngineError](classicError(&classic.Error{Message: "x"}, expand))
	assert.Assert(t, isEngine)
	base, isBase := errors.AsType[*BaseImageError](classicError(&classic.Error{Message: "x", Base: "b"}, expand))
	assert.Assert(t, isBase)
	assert.Equal(t, base.Reference, "expanded b")
	other := errors.New("other")
	assert.Equal(t, classicError(other, expand), other)
}

// TestTheBaseImageOfAnArgumentIsNamed: the classic builder says "FROM $BASE", and no login could be found missing for that.
func TestTheBaseImageOfAnArgumentIsNamed(t *testing.T) {
	t.Parallel()
	req := Request{
		Dockerfile: &source.Dockerfile{Content: []byte("ARG BASE=a\nARG TARGETOSVERSION\nFROM ${BASE}\n")},
		BuildArgs:  map[string]string{"BASE": "reg.example.com/base"},
	}
	p := parse("windows(10.0.20348)/amd64")
	for written, want := range map[string]string{
		"$BASE": "reg.example.com/base", "${BASE}:${TARGETOSVERSION}": "reg.example.com/base:10.0.20348", "busybox": "busybox", "$NONE": "$NONE",
	} {
		assert.Equal(t, expandBase(req, p, written), want)
	}
	req.Dockerfile.Content = []byte("RUUN")
	assert.Equal(t, expandBase(req, p, "$BASE"), "$BASE")
}

func TestEachBuilderRefusesWhatTheOtherHas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		dockerfile string
		set        func(*Request)
		classic    string // what the classic builder is said to lack, "" for nothing
		buildKit   string
	}{
		{set: func(r *Request) { r.Secrets = &sessionAuth{} }, classic: "--secret"},
		{set: func(r *Request) { r.SSH = &sessionAuth{} }, classic: "--ssh"},
		{set: func(r *Request) { r.Outputs = []Output{{}} }, classic: "--output"},
		{set: func(r *Request) { r.NoCacheFilter = []string{"a"} }, classic: "--no-cache-filter"},
		{set: func(r *Request) { r.Call = "check" }, classic: "--call"},
		{set: func(r *Request) { r.CacheFrom = []buildkit.CacheOptionsEntry{{Type: "local"}} }, classic: "--cache-from"},
		{set: func(r *Request) { r.CacheFrom = []buildkit.CacheOptionsEntry{{Type: "registry"}} }},
		{set: func(r *Request) { r.CacheTo = []buildkit.CacheOptionsEntry{{Type: "inline"}} }, classic: "--cache-to"},
		{set: func(r *Request) { r.Attests = map[string]string{"sbom": ""} }, classic: "--sbom", buildKit: "--sbom"},
		{set: func(r *Request) { r.ShmSize = 1 }},
		{dockerfile: "FROM x\nRUN --mount=type=cache,target=/c true", classic: "RUN --mount"},
		{dockerfile: "FROM x\nCOPY --link a b", classic: "COPY --link"},
		{dockerfile: "FROM --platform=linux/386 x\nCOPY --chown=1 --from=x a b"},
		{dockerfile: heredoc, classic: "a here-document"},
		{set: func(r *Request) { r.Classic.Isolation = "hyperv" }, buildKit: "--isolation"},
		{set: func(r *Request) { r.Classic.SecurityOpt = []string{"a"} }, buildKit: "--security-opt"},
		{set: func(r *Request) { r.Classic.CPUSetMems = "0" }, buildKit: "--memory"},
		{set: func(r *Request) { r.Classic.Squash = true }, buildKit: "--squash"},
		{set: func(r *Request) { r.Classic.ForceRemove, r.Classic.Compress = true, true }},
	} {
		req := Request{Dockerfile: &source.Dockerfile{Content: []byte(c.dockerfile)}}
		if c.set != nil {
			c.set(&req)
		}
		for builder, want := range map[contexts.Builder]string{contexts.Classic: c.classic, contexts.BuildKit: c.buildKit} {
			node := on("a", "linux/amd64")
			node.Engine.Version, node.Engine.Builder, node.Engine.ImageStore = "28.5.2", builder, contexts.GraphDriver
			err := Assignment{Node: node}.Check(req)
			if want == "" {
				assert.NilError(t, err)
				continue
			}
			assert.ErrorContains(t, err, want)
		}
	}
}
