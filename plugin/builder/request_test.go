//go:build !windows

package builder

import (
	"context"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/docker/cli/cli/config/types"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

// requestOf is the request for linux/amd64 that those flags make.
func requestOf(t *testing.T, d *plugintest.Docker, args ...string) (build.Request, error) {
	t.Helper()
	dir := plugintest.Dir(t, map[string]string{"Dockerfile": "FROM scratch", "more/x": "", "file": ""})
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", dir)
	}
	s, _ := sessionOf(t, d, append(args, dir)...)
	return s.request(t.Context(), build.Assignment{Platform: platforms.MustParse("linux/amd64"), Node: &contexts.Node{Name: "n", Host: "unix:///x"}})
}

func TestAnInterruptEndsTheReadingOfANamedContext(t *testing.T) {
	dir := plugintest.Dir(t, map[string]string{"Dockerfile": "FROM scratch"})
	s, _ := sessionOf(t, plugintest.New(t, "nobody", nil), "--build-context", "a="+dir, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.request(ctx, build.Assignment{Platform: platforms.MustParse("linux/amd64"), Node: &contexts.Node{Name: "n"}})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestRequest(t *testing.T) {
	d := plugintest.New(t, "nobody", nil)
	for _, c := range []struct {
		name string
		args []string
		got  func(build.Request) any
		want any
	}{
		{"hosts", []string{"--add-host", "a:1.2.3.4", "--add-host", "b:::1"}, func(r build.Request) any { return r.AddHosts }, []string{"a=1.2.3.4", "b=::1"}},
		{"the host's own address", []string{"--add-host", "a:host-gateway"}, func(r build.Request) any { return r.AddHosts }, []string{"a=host-gateway"}},
		{"the default network", []string{"--network", "default"}, func(r build.Request) any { return r.Network }, ""},
		{"another network", []string{"--network", "none"}, func(r build.Request) any { return r.Network }, "none"},
		{"an annotation", []string{"--annotation", "a=b=c", "--annotation", "manifest:d:e=f", "--annotation", "index:g=h"}, func(r build.Request) any { return r.Annotations }, map[string]string{"a": "b=c", "d:e": "f"}},
		{"an annotation with a colon in its value", []string{"--annotation", "url=https://x"}, func(r build.Request) any { return r.Annotations }, map[string]string{"url": "https://x"}},
		{"no attestation", nil, func(r build.Request) any { return r.Attests }, map[string]string{}},
		{"attestations", []string{"--attest", "type=sbom,generator=x", "--provenance=mode=max"}, func(r build.Request) any { return r.Attests }, map[string]string{"sbom": "generator=x", "provenance": "mode=max"}},
		{"attestations in short", []string{"--sbom", "true", "--provenance=true"}, func(r build.Request) any { return r.Attests }, map[string]string{"sbom": "", "provenance": ""}},
		{"attestations that are off", []string{"--sbom=false", "--attest", "type=provenance,disabled=true"}, func(r build.Request) any { return r.Attests }, map[string]string{}},
		{"limits", []string{"--ulimit", "nofile=1:2", "--shm-size", "64m", "--cgroup-parent", "c"}, func(r build.Request) any { return []any{r.Ulimits[0], r.ShmSize, r.CgroupParent} }, []any{"nofile=1:2", int64(64 << 20), "c"}},
		{"a cache", []string{"--cache-from", "reg.example.com/cache", "--cache-to", "type=inline"}, func(r build.Request) any {
			return []string{r.CacheFrom[0].Type, r.CacheFrom[0].Attrs["ref"], r.CacheTo[0].Type}
		}, []string{"registry", "reg.example.com/cache", "inline"}},
		{"a secret", []string{"--secret", "id=x,src=DIR/file"}, func(r build.Request) any { return r.Secrets != nil }, true},
		{"a named context", []string{"--build-context", "a=DIR/more", "--build-context", "b=docker-image://alpine"}, func(r build.Request) any {
			return []any{r.NamedContexts["a"].Dir != nil, r.NamedContexts["a"].Location, r.NamedContexts["b"].Location}
		}, []any{true, "", "docker-image://alpine"}},
		{"labels", []string{"--label", "a=b", "--label", "linux/amd64:a=c", "--label", "linux/arm64:a=d"}, func(r build.Request) any { return r.Labels }, map[string]string{"a": "c"}},
		{"a target", []string{"--target", "a", "--target", "linux/arm64:b"}, func(r build.Request) any { return r.Target }, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := requestOf(t, d, c.args...)
			assert.NilError(t, err)
			assert.DeepEqual(t, c.got(r), c.want)
		})
	}
}

func TestRequestRefuses(t *testing.T) {
	d := plugintest.New(t, "nobody", nil)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--add-host", "a"}, "invalid --add-host"},
		{[]string{"--add-host", "a:nowhere"}, `"nowhere"`},
		{[]string{"--isolation", "other"}, "invalid --isolation"},
		{[]string{"--annotation", "a"}, "invalid --annotation"},
		{[]string{"--annotation", "=b"}, "invalid --annotation"},
		{[]string{"--annotation", "layer:a=b"}, "invalid --annotation"},
		{[]string{"--attest", "type=other"}, `unknown type "other"`},
		{[]string{"--attest", "sbom"}, "is not key=value"},
		{[]string{"--attest", "type=sbom,disabled=perhaps"}, "invalid --attest"},
		{[]string{"--cache-from", "type=,x"}, "invalid --cache-from"},
		{[]string{"--cache-from", "ref=reg.example.com/cache"}, "has no type"},
		{[]string{"--cache-to", "mode=max"}, "has no type"},
		{[]string{"--secret", "nope=1"}, "invalid --secret"},
		{[]string{"--ssh", "a=/nowhere/key"}, "invalid --ssh"},
		{[]string{"--build-context", "a"}, "want NAME=PATH"},
		{[]string{"--build-context", "=b"}, "want NAME=PATH"},
		{[]string{"--build-context", "a=DIR/nowhere"}, "invalid --build-context a"},
		{[]string{"--build-context", "a=DIR/file"}, "not a directory"},
	} {
		_, err := requestOf(t, d, c.args...)
		assert.Assert(t, plugintest.Wrong(err), "%q: %v", c.args, err)
		assert.ErrorContains(t, err, c.want)
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"out": "local out", "type=local,dest=out": "local out", "type=tar,dest=out.tar": "tar out.tar", "type=image": "image ", "type=docker": "docker ", "type=registry": "registry  push", "type=image,push=true": "image  push",
		"-": "tar -", "type=tar": "tar -", "dest=x": "local dest=x",
	} {
		output, err := parseOutput(value)
		assert.NilError(t, err, value)
		if output.push {
			output.dest += " push"
		}
		assert.Equal(t, output.kind+" "+output.dest, want)
	}
	for _, value := range []string{"type=local", "type=other", "type=local,dest=x,mode=1", "type=", "type=image,push=perhaps", ""} {
		_, err := parseOutput(value)
		assert.Assert(t, err != nil, "%q", value)
	}
}

func TestSeveralPlatformsHaveAPlaceEachInTheOutput(t *testing.T) {
	d := plugintest.New(t, "nobody", nil)
	dir := plugintest.Dir(t, map[string]string{"Dockerfile": "FROM scratch"})
	for _, c := range []struct {
		value     string
		platforms int
		want      string
	}{
		{"out", 1, "out"}, {"out", 2, "out/linux_arm_v7"}, {"type=tar,dest=out", 2, "out/linux_arm_v7.tar"}, {"type=tar,dest=out.tar", 1, "out.tar"},
	} {
		s, _ := sessionOf(t, d, "-o", c.value, dir)
		s.plan = make(build.Plan, c.platforms)
		var r build.Request
		assert.NilError(t, s.setOutput(&r, build.Assignment{Platform: platforms.MustParse("linux/arm/v7")}))
		assert.Equal(t, r.Outputs[0].Dest, c.want)
	}
}

func TestALoginDoesNotCrossPlainTCP(t *testing.T) {
	d := plugintest.New(t, "nobody", nil)
	dir := plugintest.Dir(t, map[string]string{"Dockerfile": "FROM scratch"})
	d.CLI.ConfigFile().AuthConfigs = map[string]types.AuthConfig{"reg.example.com": {Username: "me", Password: "secret"}}
	exposed, local := &contexts.Node{Name: "exposed", Host: "tcp://10.0.0.1:2375"}, &contexts.Node{Name: "local", Host: "tcp://127.0.0.1:2375"}
	trusted := &contexts.Node{Name: "trusted", Host: "tcp://10.0.0.1:2375", Insecure: true}
	for _, c := range []struct {
		name, push string
		node       *contexts.Node
		relayed    bool
		refused    bool
	}{
		{"a login, plain tcp", "reg.example.com/app:1", exposed, false, true},
		{"no login", "other.example.com/app:1", exposed, false, false},
		{"on this machine", "reg.example.com/app:1", local, false, false},
		{"the user allows it", "reg.example.com/app:1", trusted, false, false},
		{"this machine pushes", "reg.example.com/app:1", exposed, true, false},
	} {
		s, _ := sessionOf(t, d, dir)
		c.node.Relay = c.relayed
		s.plan = build.Plan{{Node: c.node, Able: contexts.Nodes{c.node}, Pushes: plugintest.Names(c.push)}}
		err := s.checkExposed(t.Context())
		if !c.refused {
			assert.NilError(t, err, c.name)
			continue
		}
		assert.Assert(t, plugintest.Wrong(err), c.name)
		plugintest.Contains(t, err.Error(), "exposed", "tcp://10.0.0.1:2375", "reg.example.com")
		assert.Assert(t, !strings.Contains(err.Error(), "secret"))
	}
}

func TestABuildArgumentWithoutAValueComesFromTheEnvironment(t *testing.T) {
	d, _, _, dir := plugintest.Two(t)
	t.Setenv("FROM_ENV", "set")
	for _, c := range []struct {
		args []string
		want map[string]string
	}{
		{[]string{"--build-arg", "A=1", "--build-arg", "FROM_ENV", "--build-arg", "NOT_SET"}, map[string]string{"A": "1", "FROM_ENV": "set"}},
		{[]string{"--build-arg", "A=", "--build-arg", "FROM_ENV=mine"}, map[string]string{"A": "", "FROM_ENV": "mine"}},
		{[]string{"--build-arg", "A=b=c,d"}, map[string]string{"A": "b=c,d"}},
		{[]string{"--build-arg", "A=1", "--build-arg", "linux/arm64:A=2"}, map[string]string{"A": "1"}},
		{[]string{"--build-arg", "linux/amd64:A=2", "--build-arg", "A=1"}, map[string]string{"A": "2"}},
		{nil, map[string]string{}},
	} {
		s, cmd := sessionOf(t, d, append(c.args, dir)...)
		assert.NilError(t, s.prepare(t.Context(), cmd))
		assert.DeepEqual(t, s.requests["linux/amd64"].BuildArgs, c.want)
	}
}

// TestPathsThatWindowsCanNotHaveAreFoundInNamedContextsToo and only for Windows.
func TestPathsThatWindowsCanNotHaveAreFoundInNamedContextsToo(t *testing.T) {
	d := plugintest.New(t, "nobody", nil)
	r, err := requestOf(t, d, "--build-context", "a="+plugintest.Dir(t, map[string]string{"aux.txt": "", "fine": ""}))
	assert.NilError(t, err)
	r.Context = r.NamedContexts["a"].Dir
	r.NamedContexts["b"] = r.NamedContexts["a"]
	r.NamedContexts["c"] = build.NamedContext{Location: "docker-image://x"}
	assert.NilError(t, checkPaths(t.Context(), r, platforms.MustParse("linux/amd64")))
	err = checkPaths(t.Context(), r, platforms.MustParse("windows/amd64"))
	assert.ErrorIs(t, err, source.ErrWindows)
	for _, text := range []string{"--build-context a: ", "--build-context b: ", `"aux.txt" (the name of a device)`} {
		assert.ErrorContains(t, err, text)
	}
}
