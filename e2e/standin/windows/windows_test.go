package windows

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/container"
	dockerclient "github.com/moby/moby/client"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/standin"
)

// connect has docker's own client talk to the stand-in.
func connect(t *testing.T, e *Engine) *dockerclient.Client {
	t.Helper()
	s, err := standin.Listen(t.Context(), e, "unix", filepath.Join(t.TempDir(), "sock"))
	assert.NilError(t, err)
	t.Cleanup(func() { s.Close() })
	c, err := dockerclient.New(dockerclient.WithHost(s.Host))
	assert.NilError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// baseImage publishes a base image for some versions of Windows, in a registry of the test's.
func baseImage(t *testing.T, versions ...string) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	ref := strings.TrimPrefix(server.URL, "http://") + "/nanoserver:1"
	var index v1.ImageIndex = empty.Index
	for _, version := range versions {
		image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
			OS: "windows", Architecture: "amd64", OSVersion: version, OSFeatures: []string{"win32k"}, RootFS: v1.RootFS{Type: "layers"},
		})
		assert.NilError(t, err)
		system := tree{}
		system.put(entry{path: "/Windows/System32/cmd.exe", content: []byte(version)})
		layer, err := newLayer(system)
		assert.NilError(t, err)
		image, err = mutate.AppendLayers(image, layer)
		assert.NilError(t, err)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "windows", Architecture: "amd64", OSVersion: version}},
		})
	}
	parsed, err := name.ParseReference(ref)
	assert.NilError(t, err)
	assert.NilError(t, remote.WriteIndex(parsed, index))
	return ref
}

// contextOf is a build context as an archive.
func contextOf(t *testing.T, files map[string]string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for path, content := range files {
		assert.NilError(t, w.WriteHeader(&tar.Header{Name: path, Size: int64(len(content)), Mode: 0o600}))
		_, err := io.WriteString(w, content)
		assert.NilError(t, err)
	}
	assert.NilError(t, w.Close())
	return &b
}

// buildOn builds and returns what the engine prints, up to its error.
func buildOn(t *testing.T, c *dockerclient.Client, files map[string]string, options dockerclient.ImageBuildOptions) (string, error) {
	t.Helper()
	response, err := c.ImageBuild(t.Context(), contextOf(t, files), options)
	assert.NilError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	assert.NilError(t, err)
	if _, message, failed := strings.Cut(string(text), `"error":`); failed {
		err = errors.New(message)
	}
	return string(text), err
}

func TestSaysThatItIsWindows(t *testing.T) {
	t.Parallel()
	c := connect(t, &Engine{ID: "ltsc2022", OSVersion: "10.0.20348"})
	ping, err := c.Ping(t.Context(), dockerclient.PingOptions{NegotiateAPIVersion: true})
	assert.NilError(t, err)
	assert.Equal(t, ping.OSType+" "+string(ping.BuilderVersion), "windows "+string(build.BuilderV1))
	info, err := c.Info(t.Context(), dockerclient.InfoOptions{})
	assert.NilError(t, err)
	assert.Equal(t, info.Info.OSType+" "+info.Info.OSVersion, "windows 10.0.20348")
}

func TestBuildsPushesAndForgets(t *testing.T) {
	t.Parallel()
	e := &Engine{ID: "ltsc2022", OSVersion: "10.0.20348", Run: func(command string) (string, int) { return command + "\n", 0 }}
	c := connect(t, e)
	base := baseImage(t, "10.0.20348.2322", "10.0.26100.1742")
	target := strings.Replace(base, "/nanoserver:", "/app:", 1)
	said, err := buildOn(t, c, map[string]string{
		"Dockerfile": "# escape=`\nARG BASE\nFROM ${BASE} AS first\nWORKDIR C:\\app\\\nCOPY *.txt `\n  .\\\nRUN dir C:\\app\n" +
			"FROM ${BASE}\nCOPY --from=first C:\\app\\ C:\\Data\\\nCOPY dir D\nENV A=b\nCMD type c:\\data\\a.txt\n",
		"a.txt": "1", "b.txt": "2", "dir/sub/c": "3",
	}, dockerclient.ImageBuildOptions{Tags: []string{target}, BuildArgs: map[string]*string{"BASE": &base}})
	assert.NilError(t, err)
	for _, line := range []string{`Step 1/10 : ARG BASE`, `cmd /S /C dir C:\\app\n`, `"aux":{"ID":"sha256:`, "Successfully tagged "} {
		assert.Assert(t, strings.Contains(said, line), "%s: %s", line, said)
	}

	found, err := c.ImageInspect(t.Context(), target)
	assert.NilError(t, err)
	assert.Equal(t, found.Os+" "+found.OsVersion, "windows 10.0.20348.2322")
	assert.DeepEqual(t, found.Config.Cmd, []string{`cmd /S /C type c:\data\a.txt`})
	assert.Equal(t, fileOf(t, c, target, "/data/B.TXT")+fileOf(t, c, target, `C:\D\sub\c`), "23")

	pushed, err := c.ImagePush(t.Context(), target, dockerclient.ImagePushOptions{RegistryAuth: "e30="})
	assert.NilError(t, err)
	text, err := io.ReadAll(pushed)
	assert.NilError(t, err)
	ref, err := name.ParseReference(target)
	assert.NilError(t, err)
	image, err := remote.Image(ref)
	assert.NilError(t, err)
	digest, err := image.Digest()
	assert.NilError(t, err)
	assert.Assert(t, strings.Contains(string(text), `"Digest":"`+digest.String()), "%s", text)
	config, err := image.ConfigFile()
	assert.NilError(t, err)
	assert.Equal(t, config.OSVersion+" "+strings.Join(config.OSFeatures, ","), "10.0.20348.2322 win32k")
	id, err := image.ConfigName()
	assert.NilError(t, err)
	assert.Equal(t, id.String(), found.ID)

	_, err = c.ImageRemove(t.Context(), target, dockerclient.ImageRemoveOptions{})
	assert.NilError(t, err)
	_, err = c.ImageInspect(t.Context(), target)
	assert.ErrorContains(t, err, "No such image")
}

// fileOf reads a file of an image through a container that is never started.
func fileOf(t *testing.T, c *dockerclient.Client, image, path string) string {
	t.Helper()
	ctx := context.Background()
	made, err := c.ContainerCreate(ctx, dockerclient.ContainerCreateOptions{Config: &container.Config{Image: image}})
	assert.NilError(t, err)
	defer func() {
		_, err := c.ContainerRemove(ctx, made.ID, dockerclient.ContainerRemoveOptions{})
		assert.NilError(t, err)
	}()
	got, err := c.CopyFromContainer(ctx, made.ID, dockerclient.CopyFromContainerOptions{SourcePath: path})
	assert.NilError(t, err)
	defer got.Content.Close()
	r := tar.NewReader(got.Content)
	_, err = r.Next()
	assert.NilError(t, err)
	content, err := io.ReadAll(r)
	assert.NilError(t, err)
	return string(content)
}

// Each host takes the base image of its own version, runs what that version of Windows runs, and refuses the rest.
func TestVersionsOfWindows(t *testing.T) {
	t.Parallel()
	bases, old := baseImage(t, "10.0.26100.1742", "10.0.20348.2322"), baseImage(t, "10.0.17763.1")
	for _, test := range []struct{ host, base, isolation, os, fails string }{
		{host: "10.0.20348", base: bases, os: "10.0.20348.2322"},
		{host: "10.0.26100", base: bases, os: "10.0.26100.1742"},
		{host: "10.0.25398", base: bases, os: "10.0.20348.2322"}, // a release between the two
		{host: "10.0.26200", base: bases, os: "10.0.26100.1742"}, // the first of the list
		{host: "10.0.17763", base: bases, fails: "no matching manifest for windows(10.0.17763)/amd64"},
		{host: "10.0.20348", base: old, fails: "does not match the host operating system"},
		{host: "10.0.17764", base: old, fails: "does not match the host operating system"},
		{host: "10.0.20348", base: old, isolation: "hyperv", os: "10.0.17763.1"},
	} {
		c := connect(t, &Engine{ID: "x", OSVersion: test.host})
		_, err := buildOn(t, c, map[string]string{"Dockerfile": "FROM " + test.base + "\nRUN x\n"},
			dockerclient.ImageBuildOptions{Tags: []string{"app"}, Isolation: container.Isolation(test.isolation)})
		if test.fails != "" {
			assert.ErrorContains(t, err, test.fails, "%+v", test)
			continue
		}
		assert.NilError(t, err, "%+v", test)
		found, err := c.ImageInspect(t.Context(), "app")
		assert.NilError(t, err)
		assert.Equal(t, found.OsVersion, test.os, "%+v", test)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	e := &Engine{ID: "x", OSVersion: "10.0.20348", Run: func(string) (string, int) { return "no\n", 3 }}
	c := connect(t, e)
	base := baseImage(t, "10.0.20348.2322", "10.0.26100.1742")
	for line, says := range map[string]string{
		"FROM scratch":                            "Windows does not support FROM scratch",
		"FROM " + base + "\nRUN exit 3":           "The command 'cmd /S /C exit 3' returned a non-zero code: 3",
		"FROM " + base + "\nCOPY no /":            "file not found in build context",
		"FROM " + base + "\nRUN --network=none y": "the --network option requires BuildKit",
		"FROM " + base + "\nVOLUME /x":            "a stand-in does not know",
		"FROM " + base + "x":                      "not found",
		"FROM " + base + "\nCOPY d* C:\\no\n":     "the destination must be a directory",
	} {
		_, err := buildOn(t, c, map[string]string{"Dockerfile": line, "d1": "", "d2": ""}, dockerclient.ImageBuildOptions{})
		assert.ErrorContains(t, err, says, "%s", line)
	}
	_, err := c.ImageBuild(t.Context(), contextOf(t, nil), dockerclient.ImageBuildOptions{Version: build.BuilderBuildKit})
	assert.ErrorContains(t, err, "has no builder")
}
