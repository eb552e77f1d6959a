//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
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
		writeTo(t, s.base).windows(name, version, dockerLayer)
	}
	s.addContexts(hosts)
	return s
}

// nanoserver is the base image for a host.
func (s *windowsScene) nanoserver(host string) string {
	return s.front.address + "/" + s.base + ":" + host
}

// windows puts a base image for a version of Windows under a tag, its layer of a media type.
func (w writer) windows(tag, version, layer string) {
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
		"schemaVersion": 2, "mediaType": dockerManifest, "config": w.blob(dockerConfig, []byte(config)), "layers": []descriptor{w.blob(layer, packed.Bytes())},
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

// onWindows are the arguments of a build on one of the hosts, of a Dockerfile on its base image.
func (s *windowsScene) onWindows(host string, tree files, lines ...string) []string {
	s.t.Helper()
	all := files{"Dockerfile": strings.Join(append([]string{"# escape=`", "FROM " + s.nanoserver(host), "LABEL " + s.label}, lines...), "\n")}
	maps.Copy(all, tree)
	return []string{"--platform", "linux/386,windows/amd64", "--node", host, "--node", "i386", "--file", "linux/386:" + s.dir() + "/Dockerfile", all.dir(s.t)}
}

// unsent asserts that nothing was sent to the stand-ins either.
func (s *windowsScene) unsent() {
	s.t.Helper()
	for name, host := range s.hosts {
		assert.Check(s.t, is.Equal(host.Asked("build"), 0), "%s was asked to build", name)
	}
	s.scene.unsent()
}

// What the classic builder lacks is refused before anything is sent, with the node and the flag; for the other platforms it may be
// used.
func TestWindowsNodesRefuseWhatTheyLack(t *testing.T) {
	t.Parallel()
	s := newWindowsScene(t)
	secret := "id=x,src=" + s.dir() + "/Dockerfile"
	socket, _, _ := agent(t)
	flags := []string{
		"--secret", "windows/amd64:" + secret, "--ssh", "windows/amd64:default=" + socket, "--annotation", "windows/amd64:a=b",
		"--build-context", "windows/amd64:a=docker-image://" + baseImage(), "--cache-to", "windows/amd64:type=inline",
		"--provenance=true", "--sbom=true", "--no-cache-filter", "base", "--isolation", "linux/386:process",
	}
	r := s.push(append(flags, s.onWindows("ltsc2022", nil)...)...).failed(125, "--isolation: node i386 (engine 20.10.24", "it needs the classic builder")
	for _, flag := range []string{
		"--secret", "--ssh", "--annotation", "--build-context", "--cache-to", "--provenance (--attest type=provenance)", "--sbom (--attest type=sbom)", "--no-cache-filter",
	} {
		r.says(flag + ": node ltsc2022 (engine 28.5.2) can't: it needs BuildKit")
	}
	s.push(s.onWindows("ltsc2022", nil, `RUN --mount=type=cache,target=C:\c dir`, `COPY --link . C:\c`, "COPY <<x C:\\c\\\ny\nx")...).failed(125,
		"RUN --mount in the Dockerfile: node ltsc2022", "COPY --link in the Dockerfile: node ltsc2022", "a here-document in the Dockerfile: node ltsc2022")
	s.unsent()

	s.push(append([]string{"--secret", "linux/386:" + secret}, s.onWindows("ltsc2022", nil)...)...).succeeded()
}

// Names that Windows can't have are found before the build, if a Windows node would get them.
func TestNamesThatWindowsCannotHave(t *testing.T) {
	t.Parallel()
	s := newWindowsScene(t)
	long := strings.Repeat("long/", 55) + "name"
	tree := files{"src/aux.c": "", "Readme": "", "README": "", "a:b": "", long: ""}
	r := s.push(s.onWindows("ltsc2022", tree, "COPY . C:\\src\\")...)
	r.failed(125, `"src/aux.c" (the name of a device)`, `differs from "README" in case only`, `"a:b" (one of`, "279 characters, 260 are allowed")
	s.unsent()

	tree["Dockerfile.dockerignore"] = "src/aux.c\nReadme\na:b\nlong\nDockerfile*\n"
	s.push(s.onWindows("ltsc2022", tree, "COPY . C:\\src\\")...).succeeded()
	content := contentOf(t, openRegistry(), s.repo, tag)
	assert.DeepEqual(t, below(content["windows(10.0.20348.2322)/amd64"], "Files/src"), []string{"README"})

	delete(tree, "Dockerfile.dockerignore")
	tree["Dockerfile"] = s.dockerfile("COPY . /src")
	s.build("--platform", "linux/amd64", tree.dir(t)).succeeded()
}

// Which version of Windows a host builds for is its own version's affair, unless a virtual machine is asked for.
func TestIsolationDecidesWhatAWindowsHostBuilds(t *testing.T) {
	t.Parallel()
	s := newWindowsScene(t)
	writeTo(t, s.base).windows("ltsc2019", "10.0.17763.1", dockerLayer)
	plan := func(platform string, args ...string) map[string]string {
		return s.dryRun(append([]string{"--platform", platform}, args...)...)
	}
	v2019, v2022, hyperV := "windows(10.0.17763)/amd64", "windows(10.0.20348)/amd64", []string{"--isolation", "windows/amd64:hyperv"}
	assert.Check(t, is.DeepEqual(plan(v2022), map[string]string{v2022: "ltsc2022 native"}))
	// Since 2022 a release runs the one before: it is the next best.
	assert.Check(t, is.DeepEqual(plan(v2022, "--node", "ltsc2025"), map[string]string{v2022: "ltsc2025 compatible"}))
	assert.Check(t, is.DeepEqual(plan(v2019, hyperV...), map[string]string{v2019: "ltsc2022 compatible"}))

	dir := files{"Dockerfile": "FROM " + s.nanoserver("ltsc2019") + "\nRUN dir\n"}.dir(t)
	for _, isolation := range []string{"default", "process"} {
		s.push("--platform", v2019, "--isolation", isolation, dir).failed(2, "no node for "+v2019,
			"ltsc2022: is windows(10.0.20348)/amd64, which runs an older version with --isolation=hyperv only", "amd64: is linux/amd64")
	}
	s.push("--platform", "windows(10.0.27000)/amd64", "--isolation", "hyperv", dir).failed(2, "no node for windows(10.0.27000)/amd64", "ltsc2025: is windows(10.0.26100)/amd64\n")
	s.push("--platform", v2022, "--isolation", "none", dir).failed(125, `invalid --isolation "none"`)
	s.unsent()

	s.push(append(hyperV, "--platform", v2019, dir)...).succeeded()
	published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"windows(10.0.17763.1)/amd64"}})
}

// An image of another version than was asked for is not published, nor one whose RUN fails.
func TestWindowsBuildsThatFail(t *testing.T) {
	t.Parallel()
	s := newWindowsScene(t)
	s.hosts["ltsc2022"].Run = func(command string) (string, int) { return "it is " + command + "\n", strings.Count(command, "exit") }
	s.push(s.onWindows("ltsc2022", nil, "RUN exit 1")...).failed(1, "windows/amd64 on ltsc2022: build: ", "The command 'cmd /S /C exit 1' returned a non-zero code: 1")
	s.push(s.onWindows("ltsc2022", nil, "FROM scratch")...).failed(1, "windows/amd64 on ltsc2022: build: Windows does not support FROM scratch")
	s.push("--platform", "windows(10.0.26100)/amd64", files{"Dockerfile": "FROM " + s.nanoserver("ltsc2022")}.dir(t)).
		failed(4, "windows(10.0.26100)/amd64 on ltsc2025", "the image says it is windows(10.0.20348.2322")
	s.unharmed()
}

// Windows joins a build by a Dockerfile of its own, and is never among what is built when nothing is said.
func TestWindowsJoinsByItsDockerfile(t *testing.T) {
	t.Parallel()
	s := newWindowsScene(t)
	dir := files{"Dockerfile": "FROM x", "Dockerfile.linux-386": "FROM x", "Dockerfile.linux-amd64": "FROM x", "Dockerfile.windows-amd64": "FROM x"}.dir(t)
	linux := map[string]string{"linux/amd64": "amd64 native", "linux/386": "i386 native"}
	all := maps.Clone(linux)
	all["windows/amd64"] = "ltsc2022 native"
	template := filepath.Join(dir, "Dockerfile.{{.OS}}-{{.Arch}}")
	for _, test := range []struct {
		args []string
		plan map[string]string
	}{
		{nil, linux},
		{[]string{"-f", template}, linux},
		{[]string{"-f", template, "--platform", "windows/amd64,linux/386,linux/amd64"}, all},
		{[]string{"-f", "windows/amd64:" + filepath.Join(dir, "Dockerfile.windows-amd64")}, all},
	} {
		r := s.build(append(test.args, "--dry-run", dir)...).succeeded()
		assert.Check(t, is.DeepEqual(r.plan(), test.plan), "%v", test.args)
	}
}

// Files as editors on Windows write them, with lines that end in CR LF, mean the same on every node.
func TestFilesWrittenOnWindows(t *testing.T) {
	t.Parallel()
	s := newWindowsScene(t)
	crlf := func(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }
	dir := files{
		"Dockerfile":         crlf("FROM "+baseImage(), "LABEL "+s.label, `COPY . \`, "  /src/"),
		"Dockerfile.windows": crlf("# escape=`", "FROM "+s.nanoserver("ltsc2022"), "COPY . `", `  C:\src\`),
		".dockerignore":      crlf("# nothing of these", "*.log", "!kept.log", "Dockerfile*", ".dockerignore", ""),
		"a.txt":              "a\r\n", "a.log": "", "kept.log": "",
	}.dir(t)
	s.push("--platform", "linux/386,windows/amd64", "--node", "i386", "--node", "ltsc2022", "--file", filepath.Join(dir, "Dockerfile"),
		"--file", "windows/amd64:"+filepath.Join(dir, "Dockerfile.windows"), dir).succeeded()
	content := contentOf(t, openRegistry(), s.repo, tag)
	for platform, src := range map[string]string{"linux/386": "src", "windows(10.0.20348.2322)/amd64": "Files/src"} {
		assert.Check(t, is.DeepEqual(below(content[platform], src), []string{"a.txt", "kept.log"}), "%s", platform)
	}
}

// An image of a node that doesn't push is the one that it would have pushed, for its version of Windows. Microsoft's older base layers
// are part of it, wherever they come from; without their bytes it is none.
func TestRelayOfAWindowsNode(t *testing.T) {
	t.Parallel()
	s := newWindowsScene(t)
	old := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(old.Close)
	writer{t, "nanoserver", &oracle.Registry{Base: old.URL}}.windows("1", windowsVersions["ltsc2022"], foreignLayer)
	from := "FROM " + strings.TrimPrefix(old.URL, "http://") + "/nanoserver:1"
	s.hosts["ltsc2022"].Run = func(string) (string, int) { return "", 0 }
	args := s.onWindows("ltsc2022", files{"a.txt": "a"}, from, `COPY . C:\src\`, "RUN x")
	want := oracle.Want{MediaType: dockerList, Platforms: []string{"linux/386", "windows(10.0.20348.2322)/amd64"}}

	s.push(append(args, "--relay", "ltsc2022")...).succeeded()

	assert.Equal(t, s.hosts["ltsc2022"].Asked("push"), 0)
	s.hasFeatures(published(t, openRegistry(), s.repo, tag, want))
	relayed := contentOf(t, openRegistry(), s.repo, tag)

	s.push(args...).succeeded()

	assert.Equal(t, s.hosts["ltsc2022"].Asked("push"), 1)
	published(t, openRegistry(), s.repo, tag, want)
	assert.DeepEqual(t, contentOf(t, openRegistry(), s.repo, tag), relayed)

	old.Close()
	writes := len(s.front.writes())
	s.push(append(s.onWindows("ltsc2022", nil, from), "--relay", "ltsc2022", "--verify=off")...).failed(3, "ltsc2022", "saving the image: ")
	assert.Equal(t, len(s.front.writes()), writes)
}
