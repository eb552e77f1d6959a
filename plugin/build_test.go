package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	refname "github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/standin"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

// two is a command line with an engine for amd64 and one for arm64, and a build
// context.
func two(t *testing.T) (d *dockerLine, amd, arm *standin.Engine, dir string) {
	t.Helper()
	line, amd, arm, dir := plugintest.Two(t)
	return &dockerLine{line}, amd, arm, dir
}

func idOf(t *testing.T, platform string) string {
	t.Helper()
	id, err := plugintest.Image(t, platform, 1).ConfigName()
	assert.NilError(t, err)
	return id.String()
}

func TestABuildSaysOnStdoutWhichImageIsOnWhichNodeAndNothingElse(t *testing.T) {
	d, _, _, dir := two(t)
	assert.NilError(t, d.run(t, "build", "-t", "app", dir))
	assert.Equal(t, d.Out.String(), "linux/amd64 laptop "+idOf(t, "linux/amd64")+"\nlinux/arm64 pi "+idOf(t, "linux/arm64")+"\n")
	plugintest.Contains(t, d.Err.String(), "PLATFORM", "linux/amd64", "native", "pi")
}

// TestTheResultIsSaidWhateverBecomesOfTheMetadata: the folder is one that the build might have made.
func TestTheResultIsSaidWhateverBecomesOfTheMetadata(t *testing.T) {
	d, _, _, dir := two(t)
	tmp := t.TempDir()
	err := d.run(t, "build", "-q", "--platform", "linux/arm64", "--log-dir", filepath.Join(tmp, "logs"), "--metadata-file", filepath.Join(tmp, "nowhere", "m.json"), dir)
	assert.ErrorContains(t, err, "writing metadata: ")
	assert.Equal(t, exitCode(err), exitFailed)
	assert.Equal(t, d.Out.String(), idOf(t, "linux/arm64")+"\n")

	file := filepath.Join(tmp, "logs", "new", "m.json")
	assert.NilError(t, d.run(t, "build", "-q", "--platform", "linux/arm64", "--log-dir", filepath.Dir(file), "--metadata-file", file, dir))
	isMetadata(t, file)
}

func TestAQuietBuildOfOnePlatformSaysTheImageIDAlone(t *testing.T) {
	d, _, _, dir := two(t)
	assert.NilError(t, d.run(t, "build", "-q", "--platform", "linux/arm64", dir))
	assert.Equal(t, d.Out.String(), idOf(t, "linux/arm64")+"\n")
	assert.Equal(t, d.Err.String(), "")
}

func TestAQuietBuildOfTwoPlatformsSaysWhichIsWhich(t *testing.T) {
	d, _, _, dir := two(t)
	assert.NilError(t, d.run(t, "build", "-q", dir))
	assert.Equal(t, strings.Count(d.Out.String(), "\n"), 2)
	plugintest.Contains(t, d.Out.String(), "linux/arm64 pi sha256:")
}

func TestTheSettingsNameThePlatformsThatNothingElseNames(t *testing.T) {
	d, _, _, dir := two(t)
	assert.NilError(t, os.WriteFile(filepath.Join(d.Dir, "multiarch.yaml"), []byte("platforms: [linux/arm64]\n"), 0o600))
	arm, amd := "linux/arm64 pi "+idOf(t, "linux/arm64")+"\n", "linux/amd64 laptop "+idOf(t, "linux/amd64")+"\n"
	assert.NilError(t, d.run(t, "build", dir))
	assert.Equal(t, d.Out.String(), arm)
	assert.NilError(t, d.run(t, "build", "--platform", "linux/amd64,linux/arm64", dir))
	assert.Equal(t, d.Out.String(), amd+arm)
	t.Setenv("DOCKER_DEFAULT_PLATFORM", "linux/amd64")
	assert.NilError(t, d.run(t, "build", dir))
	assert.Equal(t, d.Out.String(), amd)
	assert.NilError(t, os.Unsetenv("DOCKER_DEFAULT_PLATFORM"))
	t.Setenv("DOCKER_CONTEXT", "laptop")
	assert.NilError(t, d.run(t, "build", dir))
	assert.Equal(t, d.Out.String(), amd, "whoever points docker at an engine means that one")
}

// Without hooks it does not matter who could have written them.
func TestWithoutHooksTheSettingsMayBeOfOthers(t *testing.T) {
	d, _, _, dir := two(t)
	settings := filepath.Join(d.Dir, "multiarch.yaml")
	assert.NilError(t, os.WriteFile(settings, []byte("node: {pi: {platforms: [linux/arm64], start: [false], stop: [false]}}\n"), 0o600))
	assert.NilError(t, os.Chmod(settings, 0o666))
	assert.NilError(t, d.run(t, "build", "--no-hooks", "--platform", "linux/arm64", dir))
	assert.Equal(t, d.Out.String(), "linux/arm64 pi "+idOf(t, "linux/arm64")+"\n")
}

func TestADryRunPrintsThePlanAndSendsNothing(t *testing.T) {
	d, amd, arm, dir := two(t)
	assert.NilError(t, d.run(t, "build", "-q", "--dry-run", "-t", "app", dir))
	assert.Equal(t, d.Out.String(), "")
	plugintest.Contains(t, d.Err.String(), "PLATFORM      NODE", "linux/amd64   laptop   unix://", "linux/arm64   pi", "native\n")
	for _, e := range []*standin.Engine{amd, arm} {
		assert.Equal(t, e.Asked("grpc")+e.Asked("session"), 0)
	}
}

func TestAPublishedBuildIsOneIndexOfWhatTheEnginesPushed(t *testing.T) {
	d, _, _, dir := two(t)
	host := plugintest.Registry(t, nil)
	metadata, iid := filepath.Join(t.TempDir(), "metadata.json"), filepath.Join(t.TempDir(), "iid")
	assert.NilError(t, d.run(t, "build", "-t", host+"/app:1", "-t", host+"/app", "--push", "--metadata-file", metadata, "--iidfile", iid, dir))

	tag, err := refname.NewTag(host+"/app:1", refname.Insecure)
	assert.NilError(t, err)
	index, err := remote.Index(tag)
	assert.NilError(t, err)
	digest, err := index.Digest()
	assert.NilError(t, err)
	assert.Equal(t, d.Out.String(), host+"/app:1@"+digest.String()+"\n"+host+"/app:latest@"+digest.String()+"\n")
	manifest, err := index.IndexManifest()
	assert.NilError(t, err)
	assert.Equal(t, len(manifest.Manifests), 2)
	for i, platform := range []string{"linux/amd64", "linux/arm64"} {
		pushed, err := plugintest.Image(t, platform, 1).Digest()
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
	isMetadata(t, metadata)
	plugintest.Contains(t, d.Err.String(), "pushing "+host+"/app:1-linux-amd64", "publishing "+host+"/app:1", "publishing "+host+"/app:latest")

	// Quiet says the digest alone.
	assert.NilError(t, d.run(t, "build", "-q", "-t", host+"/app:1", "--push", dir))
	assert.Equal(t, d.Out.String(), digest.String()+"\n")
}

func TestAPlatformThatMayBeMissingIsSaidToBe(t *testing.T) {
	d, _, arm, dir := two(t)
	arm.Solve = func(context.Context, string) (string, error) { return "", errors.New("exit code: 1") }
	host := plugintest.Registry(t, nil)
	metadata := filepath.Join(t.TempDir(), "metadata.json")
	err := d.run(t, "build", "-t", host+"/app:1", "-t", host+"/other:1", "--push", "--metadata-file", metadata, "--platform", "linux/amd64,linux/arm64,linux/s390x", "--allow-missing", "linux/arm64,linux/s390x", dir)
	assert.NilError(t, err)
	plugintest.Contains(t, d.Err.String(), "Missing: linux/arm64 on pi: build: ", "exit code: 1", "Missing: linux/s390x: no node")
	plugintest.Contains(t, d.Out.String(), host+"/app:1@sha256:")
	isMetadata(t, metadata)
}

// TestErrorsOfABuild runs what can go wrong from the command line to the exit
// code.
func TestErrorsOfABuild(t *testing.T) {
	d, amd, _, dir := two(t)
	closed := plugintest.Registry(t, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Basic realm="closed"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	broken := plugintest.Dir(t, map[string]string{"Dockerfile": "FORM scratch\n"})
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
		{"two platforms of which one image may be both", []string{"--platform", "windows/amd64,windows(10.0.20348)/amd64", dir}, exitUsage, []string{"windows/amd64 and windows(10.0.20348)/amd64 may be one image"}},
		{"a name of a version of Windows", []string{"--platform", "windows(ltsc2022)/amd64", dir}, exitUsage, []string{`invalid platform "windows(ltsc2022)/amd64": a version of Windows is three or four numbers`}},
		{"a file for metadata that can't be written", []string{"--metadata-file", filepath.Join(dir, "nowhere", "m.json"), dir}, exitUsage, []string{"invalid --metadata-file", "nowhere", "--help"}},
		{"a directory for the image ID", []string{"--iidfile", dir, "--platform", "linux/amd64", dir}, exitUsage, []string{"invalid --iidfile", "cannot write to a directory"}},
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
			plugintest.Contains(t, err.Error(), c.want...)
			assert.Assert(t, !strings.Contains(err.Error(), "\x1b"))
			assert.Equal(t, d.Out.String(), "", "stdout is for results alone")
		})
	}
}

// TestWhenTheSecondTargetFailsTheStateOfEachIsReported publishes to a registry
// that refuses one tag.
func TestWhenTheSecondTargetFailsTheStateOfEachIsReported(t *testing.T) {
	d, _, _, dir := two(t)
	var refuse atomic.Bool
	refuse.Store(true)
	host := plugintest.Registry(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !refuse.Load() || r.Method != http.MethodPut || !strings.HasSuffix(r.URL.Path, "/manifests/2") {
			return false
		}
		w.WriteHeader(http.StatusForbidden)
		return true
	})
	args := []string{"build", "-t", host + "/app", "-t", host + "/app:1", "-t", host + "/app:2", "--push", dir}
	err := d.run(t, args...)
	assert.Equal(t, exitCode(err), exitPartial, "%v", err)
	plugintest.Contains(t, err.Error(), "published "+host+"/app:1; failed: "+host+"/app:2: ", "not tried: "+host+"/app:latest", "Run the same command again")
	assert.Equal(t, d.Out.String(), "")

	refuse.Store(false)
	assert.NilError(t, d.run(t, args...))
	assert.Equal(t, strings.Count(d.Out.String(), "@sha256:"), 3)
}
