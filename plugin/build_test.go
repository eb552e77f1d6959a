package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	refname "github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/history"
	"github.com/docker-multiarch/docker-multiarch/e2e/standin"
)

// two is a command line with an engine for amd64 and one for arm64, and a build
// context.
func two(t *testing.T) (d *dockerLine, amd, arm *standin.Engine, dir string) {
	t.Helper()
	amd, arm = builder(t, "AMD", "x86_64"), builder(t, "ARM", "aarch64")
	d = newDocker(t, "laptop", map[string]string{"laptop": listening(t, amd), "pi": listening(t, arm)})
	return d, amd, arm, dirWith(t, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /\n", "a": "x"})
}

func idOf(t *testing.T, platform string) string {
	t.Helper()
	id, err := imageFor(t, platform, 1).ConfigName()
	assert.NilError(t, err)
	return id.String()
}

func TestABuildSaysOnStdoutWhichImageIsOnWhichNodeAndNothingElse(t *testing.T) {
	d, _, _, dir := two(t)
	assert.NilError(t, d.run(t, "build", "-t", "app", dir))
	assert.Equal(t, d.out.String(), "linux/amd64 laptop "+idOf(t, "linux/amd64")+"\nlinux/arm64 pi "+idOf(t, "linux/arm64")+"\n")
	contains(t, d.err.String(), "PLATFORM", "linux/amd64", "native", "pi")
}

func TestAQuietBuildOfOnePlatformSaysTheImageIDAlone(t *testing.T) {
	d, _, _, dir := two(t)
	assert.NilError(t, d.run(t, "build", "-q", "--platform", "linux/arm64", dir))
	assert.Equal(t, d.out.String(), idOf(t, "linux/arm64")+"\n")
	assert.Equal(t, d.err.String(), "")
}

func TestAQuietBuildOfTwoPlatformsSaysWhichIsWhich(t *testing.T) {
	d, _, _, dir := two(t)
	assert.NilError(t, d.run(t, "build", "-q", dir))
	assert.Equal(t, strings.Count(d.out.String(), "\n"), 2)
	contains(t, d.out.String(), "linux/arm64 pi sha256:")
}

func TestADryRunPrintsThePlanAndSendsNothing(t *testing.T) {
	d, amd, arm, dir := two(t)
	assert.NilError(t, d.run(t, "build", "-q", "--dry-run", "-t", "app", dir))
	assert.Equal(t, d.out.String(), "")
	contains(t, d.err.String(), "PLATFORM      NODE", "linux/amd64   laptop   unix://", "linux/arm64   pi", "native\n")
	for _, e := range []*standin.Engine{amd, arm} {
		assert.Equal(t, e.Asked("grpc")+e.Asked("session"), 0)
	}
}

func TestARemoteNodeIsNewUntilItWasSentSomething(t *testing.T) {
	t.Parallel()
	h, err := history.Open(t.TempDir())
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, h.Close()) })
	remote, local := &contexts.Node{Name: "pi", Host: "ssh://pi"}, &contexts.Node{Name: "laptop", Host: "unix:///docker.sock"}
	assert.Assert(t, isNew(h, remote))
	assert.Assert(t, !isNew(h, local), "its files stay on this machine")
	assert.Assert(t, !isNew(nil, remote), "without a memory everything would be new for ever")
	noteBuild(h, "project", []build.Result{{Assignment: build.Assignment{Node: remote}, Err: errors.New("it may have got files before it failed")}})
	assert.Assert(t, !isNew(h, remote))
	assert.Assert(t, isNew(h, &contexts.Node{Name: "pi", Host: "ssh://another"}), "the context leads to another machine now")
	assert.Equal(t, len(recentNodes(h, "project")), 0, "it built nothing")
	noteBuild(h, "project", []build.Result{{Assignment: build.Assignment{Node: remote}}})
	assert.DeepEqual(t, recentNodes(h, "project"), []string{"pi"})
}

func TestAPublishedBuildIsOneIndexOfWhatTheEnginesPushed(t *testing.T) {
	d, _, _, dir := two(t)
	host := newRegistryServer(t, nil)
	metadata, iid := filepath.Join(t.TempDir(), "metadata.json"), filepath.Join(t.TempDir(), "iid")
	assert.NilError(t, d.run(t, "build", "-t", host+"/app:1", "-t", host+"/app", "--push", "--metadata-file", metadata, "--iidfile", iid, dir))

	tag, err := refname.NewTag(host+"/app:1", refname.Insecure)
	assert.NilError(t, err)
	index, err := remote.Index(tag)
	assert.NilError(t, err)
	digest, err := index.Digest()
	assert.NilError(t, err)
	assert.Equal(t, d.out.String(), host+"/app:1@"+digest.String()+"\n"+host+"/app:latest@"+digest.String()+"\n")
	manifest, err := index.IndexManifest()
	assert.NilError(t, err)
	assert.Equal(t, len(manifest.Manifests), 2)
	for i, platform := range []string{"linux/amd64", "linux/arm64"} {
		pushed, err := imageFor(t, platform, 1).Digest()
		assert.NilError(t, err)
		assert.Equal(t, manifest.Manifests[i].Platform.String(), platform)
		assert.Equal(t, manifest.Manifests[i].Digest, pushed)
	}
	written, err := os.ReadFile(iid)
	assert.NilError(t, err)
	assert.Equal(t, string(written), digest.String())
	var m map[string]any
	text, err := os.ReadFile(metadata)
	assert.NilError(t, err)
	assert.NilError(t, json.Unmarshal(text, &m))
	assert.Equal(t, m["containerimage.digest"], digest.String())
	contains(t, d.err.String(), "pushing "+host+"/app:1-linux-amd64", "publishing "+host+"/app:1", "publishing "+host+"/app:latest")

	// Quiet says the digest alone.
	assert.NilError(t, d.run(t, "build", "-q", "-t", host+"/app:1", "--push", dir))
	assert.Equal(t, d.out.String(), digest.String()+"\n")
}

func TestAPlatformThatMayBeMissingIsSaidToBe(t *testing.T) {
	d, _, arm, dir := two(t)
	arm.Solve = func(context.Context, string) (string, error) { return "", errors.New("exit code: 1") }
	host := newRegistryServer(t, nil)
	err := d.run(t, "build", "-t", host+"/app:1", "-t", host+"/other:1", "--push", "--platform", "linux/amd64,linux/arm64,linux/s390x", "--allow-missing", "linux/arm64,linux/s390x", dir)
	assert.NilError(t, err)
	contains(t, d.err.String(), "Missing: linux/arm64 on pi: build: ", "exit code: 1", "Missing: linux/s390x: no node")
	contains(t, d.out.String(), host+"/app:1@sha256:")
}

func TestABuildArgumentWithoutAValueComesFromTheEnvironment(t *testing.T) {
	d, _, _, dir := two(t)
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

// TestErrorsOfABuild runs what can go wrong from the command line to the exit
// code.
func TestErrorsOfABuild(t *testing.T) {
	d, amd, _, dir := two(t)
	closed := newRegistryServer(t, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Basic realm="closed"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	broken := dirWith(t, map[string]string{"Dockerfile": "FORM scratch\n"})
	file := filepath.Join(dir, "a")
	good := amd.Solve
	failing := func(context.Context, string) (string, error) {
		return "", errors.New("process \x1b[2Jfalse: exit code: 1")
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"no path", []string{}, exitUsage, []string{"requires 1 argument"}},
		{"two paths", []string{dir, dir}, exitUsage, []string{"requires 1 argument"}},
		{"an unknown flag", []string{"--nope", dir}, exitUsage, []string{"unknown flag: --nope", "--help"}},
		{"a bad tag", []string{"-t", "UPPER:x", dir}, exitUsage, []string{`invalid tag "UPPER:x"`, "--help"}},
		{"a digest as tag", []string{"-t", "a@sha256:" + strings.Repeat("a", 64), dir}, exitUsage, []string{"a digest can't be chosen"}},
		{"--push without a name", []string{"--push", dir}, exitUsage, []string{"--push needs a name: --tag"}},
		{"a bad platform", []string{"--platform", "arm64", dir}, exitUsage, []string{`invalid platform "arm64"`, "os/arch[/variant]"}},
		{"a bad template", []string{"-t", "a", "--platform-tag", "{{.Nope}}", dir}, exitUsage, []string{"platform tag"}},
		{"bad progress", []string{"--progress", "fancy", dir}, exitUsage, []string{`invalid progress mode "fancy"`, "auto|plain|tty|quiet|rawjson"}},
		{"no such directory", []string{filepath.Join(dir, "nowhere")}, exitUsage, []string{"invalid build context", "nowhere"}},
		{"a file", []string{file}, exitUsage, []string{"is not a directory"}},
		{"no Dockerfile", []string{t.TempDir()}, exitUsage, []string{"invalid Dockerfile", "no such file"}},
		{"a directory as Dockerfile", []string{"-f", dir, dir}, exitUsage, []string{"invalid Dockerfile", "is a directory"}},
		{"a Dockerfile with a mistake", []string{broken}, exitFailed, []string{"invalid Dockerfile", "FORM"}},
		{"no such target", []string{"--target", "test", dir}, exitFailed, []string{`no stage named "test"`}},
		{"an unknown node", []string{"--node", "nowhere", dir}, exitUsage, []string{`no such Docker context: "nowhere"`, "docker context ls"}},
		{"tags that collide", []string{"-t", "a", "--platform-tag", "{{.Tag}}", dir}, exitUsage, []string{"two images with one tag", "--platform-tag"}},
		{"a push without platform tags", []string{"-t", closed + "/a", "--platform-tag", "none", dir, "--push"}, exitUnavailable, []string{"unauthorized", "docker login " + closed}},
		{"a value for a platform that is not built", []string{"--build-arg", "linux/s390x:A=1", dir}, exitUsage, []string{"linux/s390x is not built"}},
		{"no node for a platform", []string{"--platform", "linux/s390x,linux/amd64", dir}, exitNoNode, []string{"no node for linux/s390x", "laptop: is linux/amd64", "pi: is linux/arm64", "docker context create"}},
		{"all that is asked for may be missing", []string{"--platform", "linux/s390x", "--allow-missing", "linux/s390x", dir}, exitNoNode, []string{"laptop: is linux/amd64"}},
		{"a registry that wants a login", []string{"-t", closed + "/a", "--push", dir}, exitUnavailable, []string{"unauthorized", "docker login " + closed}},
		{"a build that fails", []string{"-t", "a", dir}, exitFailed, []string{"linux/amd64 on laptop: build: ", "process false: exit code: 1"}},
		{"two images and one file", []string{"--iidfile", filepath.Join(t.TempDir(), "iid"), dir}, exitUsage, []string{"--iidfile"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			amd.Solve = good
			if c.name == "a build that fails" {
				amd.Solve = failing
			}
			err := d.run(t, append([]string{"build"}, c.args...)...)
			assert.Assert(t, err != nil)
			assert.Equal(t, exitCode(err), c.code, "%v", err)
			contains(t, err.Error(), c.want...)
			assert.Assert(t, !strings.Contains(err.Error(), "\x1b"))
			assert.Equal(t, d.out.String(), "", "stdout is for results alone")
		})
	}
}
