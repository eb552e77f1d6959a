//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
	"github.com/docker-multiarch/docker-multiarch/e2e/standin"
	"github.com/docker-multiarch/docker-multiarch/e2e/standin/windows"
)

// windowsVersions are the versions of Windows of the tests: of each host the base image that is for it.
var windowsVersions = map[string]string{"ltsc2022": "10.0.20348.2322", "ltsc2025": "10.0.26100.1742"}

// windowsScene is a scene with two stand-ins for engines on Windows beside the real ones, each of another version.
type windowsScene struct {
	*scene

	hosts map[string]*windows.Engine
	base  string // The repository of the base images.
}

func newWindowsScene(t *testing.T) *windowsScene {
	t.Helper()
	s := &windowsScene{scene: newScene(t), hosts: map[string]*windows.Engine{}, base: repository(t) + "-base"}
	hosts := map[string]string{}
	for name, version := range windowsVersions {
		s.hosts[name] = &windows.Engine{ID: s.label + name, OSVersion: version[:strings.LastIndex(version, ".")]}
		server, err := standin.Listen(t.Context(), s.hosts[name], "unix", filepath.Join(t.TempDir(), "sock"))
		assert.NilError(t, err)
		t.Cleanup(func() { server.Close() })
		hosts[name] = server.Host
		writeTo(t, s.base).windows(name, version)
	}
	s.addContexts(hosts)
	return s
}

// nanoserver is the base image for a host.
func (s *windowsScene) nanoserver(host string) string {
	return s.front.address + "/" + s.base + ":" + host
}

// windows puts a base image for a version of Windows under a tag.
func (w writer) windows(tag, version string) {
	w.t.Helper()
	var packed, plain bytes.Buffer
	archive := tar.NewWriter(&plain)
	for _, name := range []string{"Files/", "Files/Windows/", "Files/Windows/System32/"} {
		assert.NilError(w.t, archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeDir}))
	}
	assert.NilError(w.t, archive.WriteHeader(&tar.Header{Name: "Files/Windows/System32/license.rtf", Size: int64(len(version))}))
	_, err := archive.Write([]byte(version))
	assert.NilError(w.t, err)
	assert.NilError(w.t, archive.Close())
	zip := gzip.NewWriter(&packed)
	_, err = zip.Write(plain.Bytes())
	assert.NilError(w.t, err)
	assert.NilError(w.t, zip.Close())
	config := fmt.Sprintf(`{"architecture":"amd64","os":"windows","os.version":%q,"os.features":["win32k"],"created":"2001-01-01T00:00:00Z",`+
		`"config":{"Cmd":["c:\\windows\\system32\\cmd.exe"]},"rootfs":{"type":"layers","diff_ids":["sha256:%x"]}}`, version, sha256.Sum256(plain.Bytes()))
	w.manifest(tag, dockerManifest, map[string]any{
		"schemaVersion": 2, "mediaType": dockerManifest, "config": w.blob(dockerConfig, []byte(config)),
		"layers": []descriptor{w.blob("application/vnd.docker.image.rootfs.diff.tar.gzip", packed.Bytes())},
	})
}

// One command makes one image for Linux and for two versions of Windows, each built on its own kind of host.
func TestOneImageForLinuxAndWindows(t *testing.T) {
	t.Parallel()
	s := newWindowsScene(t)
	for _, host := range s.hosts {
		host.Run = func(command string) (string, int) { return "ran " + command + "\n", 0 }
	}
	dir := absolute(t, "../examples/windows-and-linux")

	r := s.push("--platform", "linux/amd64,linux/386,windows(10.0.20348)/amd64,windows/amd64:10.0.26100", "--progress", "plain",
		"--file", filepath.Join(dir, "Dockerfile"), "--file", "windows/amd64:"+filepath.Join(dir, "Dockerfile.windows"),
		"--build-arg", "LINUX="+baseImage(),
		"--build-arg", "windows(10.0.20348)/amd64:WINDOWS="+s.nanoserver("ltsc2022"),
		"--build-arg", "windows(10.0.26100)/amd64:WINDOWS="+s.nanoserver("ltsc2025"), dir).succeeded()

	assert.DeepEqual(t, r.plan(), map[string]string{
		"linux/amd64": "amd64 native", "linux/386": "i386 native",
		"windows(10.0.20348)/amd64": "ltsc2022 native", "windows(10.0.26100)/amd64": "ltsc2025 native",
	})
	r.says(`ran cmd /S /C dir     C:\shelf`)
	image := published(t, openRegistry(), s.repo, tag, oracle.Want{MediaType: dockerList, Platforms: []string{
		"linux/386", "linux/amd64", "windows(10.0.26100.1742)/amd64", "windows(10.0.20348.2322)/amd64", // the newest first
	}})
	assert.Equal(t, digestOf(t, r, s.ref()), image.Digest)
	assertOnePut(t, s.front, s.repo, tag, image)
	s.hasFeatures(image)
	assert.DeepEqual(t, tags(t, openRegistry(), s.repo), []string{
		tag, tag + "-linux-386", tag + "-linux-amd64", tag + "-windows-10.0.20348-amd64", tag + "-windows-10.0.26100-amd64",
	})
	for platform, content := range contentOf(t, openRegistry(), s.repo, tag) {
		shelf := map[bool]string{true: "Files/shelf", false: "shelf"}[strings.HasPrefix(platform, "windows")]
		assert.Check(t, is.DeepEqual(below(content, shelf), []string{"book.txt", "map.txt"}), "%s", platform)
	}
	for name, host := range s.hosts {
		assert.Check(t, is.Equal(host.Containers(), 0), "containers are left on %s", name)
	}
}

// hasFeatures asserts that the os.features of the base images are in the index.
func (s *windowsScene) hasFeatures(image oracle.Image) {
	s.t.Helper()
	var index struct {
		Manifests []struct {
			Platform struct {
				OS       string
				Features []string `json:"os.features"`
			}
		}
	}
	assert.NilError(s.t, json.Unmarshal(image.Raw, &index))
	for _, m := range index.Manifests {
		want := map[string][]string{"windows": {"win32k"}}[m.Platform.OS]
		assert.Check(s.t, is.DeepEqual(m.Platform.Features, want), "%+v", m)
	}
}

// The stock docker command builds and pushes with a stand-in as with any engine: it is as good a stand-in as its protocol is right.
func TestDockerItselfBuildsWithTheStandIn(t *testing.T) {
	t.Parallel()
	for _, docker := range []string{"docker", "docker-debian"} {
		s := newWindowsScene(t)
		s.hosts["ltsc2022"].Run = func(string) (string, int) { return "listed\n", 0 }
		dir := absolute(t, "../examples/windows-and-linux")
		run := func(args ...string) result {
			t.Helper()
			return s.startAs(docker, append([]string{"--context", "ltsc2022"}, args...)...).wait()
		}
		built := run("build", "-t", s.ref(), "-f", filepath.Join(dir, "Dockerfile.windows"), "--build-arg", "WINDOWS="+s.nanoserver("ltsc2022"), dir).succeeded()
		assert.Check(t, strings.Contains(built.stdout, "listed\n") && strings.Contains(built.stdout, "Successfully tagged"), "%s", built)
		listed := run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", s.front.address+"/"+s.repo).succeeded()
		assert.Check(t, is.Contains(listed.stdout, s.ref()))
		pushed := run("push", s.ref()).succeeded()
		image := published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"windows(10.0.20348.2322)/amd64"}, MediaType: dockerManifest})
		assert.Check(t, is.Contains(pushed.stdout, tag+": digest: "+image.Digest+" size: "))
		id := run("image", "inspect", "--format", "{{.Id}} {{.OsVersion}}", s.ref()).succeeded()
		assert.Check(t, is.Equal(id.stdout, image.Children[0].ConfigDigest+" 10.0.20348.2322\n"))
		run("image", "rm", s.ref()).succeeded()
		failed := run("build", files{"Dockerfile": "FROM scratch\n"}.dir(t))
		assert.Check(t, failed.code == 1 && strings.Contains(failed.stderr, "Windows does not support FROM scratch"), "%s", failed)
	}
}
