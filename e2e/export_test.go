//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// skopeo copies an image with all platforms into a repository of the open registry, under tag.
func (s *scene) skopeo(from, tag string) {
	s.t.Helper()
	to := "docker://" + farm.registry + "/" + s.repo + ":" + tag
	out, err := exec.Command("skopeo", "--insecure-policy", "copy", "--all", "--dest-tls-verify=false", from, to).CombinedOutput()
	assert.NilError(s.t, err, "%s", out)
}

// exported is the digest in a line of standard output, FORM:DEST[:TAG]@DIGEST.
func exported(t *testing.T, r result, form, dest, tag string) string {
	t.Helper()
	return digestOf(t, r.succeeded(), form+":"+dest+":"+tag)
}

// All platforms come in one archive, whatever engines built them; skopeo and an engine read it.
func TestExport(t *testing.T) {
	t.Parallel()
	for name, nodes := range map[string][]string{"graph drivers": {"trixie", "ssh"}, "containerd": {"modern", "i386"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newNodeScene(t, nodes...)
			dir, out := s.dir("RUN uname -m > /machine", "COPY Dockerfile /a"), t.TempDir()
			at := func(name string) string { return filepath.Join(out, name) }
			export := func(output string) result { return s.build("-t", s.repo+":e", "-o", output, dir) }

			digest := exported(t, export("type=oci,dest="+at("1.tar")), "oci-archive", at("1.tar"), "e")
			assert.Equal(t, exported(t, export("type=oci,dest="+at("2.tar")), "oci-archive", at("2.tar"), "e"), digest)
			assert.Equal(t, exported(t, export("type=oci,tar=false,dest="+at("dir")), "oci", at("dir"), "e"), digest)
			one, err := os.ReadFile(at("1.tar"))
			assert.NilError(t, err)
			two, err := os.ReadFile(at("2.tar"))
			assert.NilError(t, err)
			assert.Assert(t, string(one) == string(two), "the same images give other bytes")

			// The oracle judges what skopeo read.
			for tag, from := range map[string]string{"file": "oci-archive:" + at("1.tar") + ":e", "dir": "oci:" + at("dir") + ":e"} {
				s.skopeo(from, tag)
				image := published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}, MediaType: ociIndex})
				assert.Equal(t, image.Digest, digest)
				for _, child := range image.Children {
					assert.Equal(t, child.MediaType, ociManifest)
				}
			}
		})
	}
}

// An engine with the containerd store loads all platforms; one with a graph driver loads an archive of one.
func TestExportIsLoaded(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, "amd64", "i386")
	dir, out := s.dir("RUN uname -m > /machine"), t.TempDir()
	many, one := filepath.Join(out, "many.tar"), filepath.Join(out, "one.tar")
	s.build("-t", s.repo+":e", "-o", "type=docker,dest="+many, dir).succeeded()
	s.build("-t", s.repo+":e", "-t", s.repo+":f", "-o", "type=docker,dest="+one, "--platform", "linux/amd64", "--rm-images", dir).succeeded()

	modern := engine("modern")
	modern.docker(t, "image", "load", "-q", "-i", many)
	assert.Equal(t, modern.run(t, s.repo+":e", "cat", "/machine"), "x86_64")
	other := modern.docker(t, "run", "--detach", "--network", "none", "--platform", "linux/386", s.repo+":e", "cat", "/machine")
	assert.Equal(t, modern.printed(t, other), "i686")

	old := engine("amd64")
	assert.Equal(t, old.image(t, s.repo+":e"), "")
	old.docker(t, "image", "load", "-q", "-i", one)
	assert.Equal(t, old.run(t, s.repo+":e", "cat", "/machine"), "x86_64")
	assert.Equal(t, old.image(t, s.repo+":f"), old.image(t, s.repo+":e"))
}

// Without a registry, and without anything half done: what fails leaves a file as it was.
func TestExportThatFails(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	out := t.TempDir()
	files{"old.tar": "old"}.write(t, out)
	bad := s.dir("RUN " + onEach("true", "false"))
	for _, dest := range []string{"old.tar", "dir,tar=false"} {
		s.build("-o", "type=oci,dest="+filepath.Join(out, dest), bad).failed(1, "linux/386")
	}
	assert.DeepEqual(t, readFiles(t, out), files{"old.tar": "old"})

	good := s.dir()
	s.build("-o", "type=oci,dest="+filepath.Join(out, "old.tar", "x"), "--platform", "linux/amd64", good).failed(1, "old.tar")
	s.build("-o", "type=oci,dest=/dev/full", good).failed(125, "nor a regular file")
	s.build("-o", "type=oci,tar=false,dest="+filepath.Join(out, "old.tar"), good).failed(125, "neither a directory")
	s.build("-o", "linux/386:type=oci,dest=x", good).failed(125, "all platforms")
	s.build("-o", "type=oci,dest=x", "--push", "-t", s.ref(), good).failed(125, "docker multiarch copy REF oci-archive:x")
	s.build("-o", "type=local,dest=x,tar=false", good).failed(125, "tar=false")
	assert.DeepEqual(t, readFiles(t, out), files{"old.tar": "old"})
	assert.Equal(t, len(s.front.Requests()), 0)
}

// An archive on standard output, with nothing else there.
func TestExportToStandardOutput(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	file := filepath.Join(t.TempDir(), "out.tar")
	dir := s.dir()
	assert.NilError(t, os.WriteFile(file, []byte(s.build("-t", s.ref(), "-o", "type=oci", dir).succeeded().stdout), 0o600))
	s.skopeo("oci-archive:"+file, "stdout")
	published(t, openRegistry(), s.repo, "stdout", oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}})
	s.build("-t", s.ref(), "-o", "type=oci,dest="+file, "--metadata-file", file+".json", "--iidfile", file+".iid", "-q", dir).succeeded()
	iid, err := os.ReadFile(file + ".iid")
	assert.NilError(t, err)
	metadata, err := os.ReadFile(file + ".json")
	assert.NilError(t, err)
	assert.Assert(t, strings.Contains(string(metadata), string(iid)) && strings.HasPrefix(string(iid), "sha256:"), "%s: %s", iid, metadata)
}

// What skopeo writes is read, and what copy and create write skopeo reads.
func TestArchivesOfSkopeo(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	out := t.TempDir()
	theirs, ours := filepath.Join(out, "theirs.tar"), filepath.Join(out, "ours.tar")
	from := "docker://" + farm.registry + "/" + s.repo + ":" + tag
	text, err := exec.Command("skopeo", "--insecure-policy", "copy", "--all", "--src-tls-verify=false", from, "oci-archive:"+theirs+":t").CombinedOutput()
	assert.NilError(t, err, "%s", text)

	r := s.docker("multiarch", "copy", "oci-archive:"+theirs+":t", s.front.address+"/"+s.repo+":copied").succeeded()
	image := published(t, openRegistry(), s.repo, "copied", oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}})
	assert.Equal(t, image.Digest, digestOf(t, r, s.front.address+"/"+s.repo+":copied"))

	s.docker("multiarch", "create", "-t", "oci-archive:"+ours+":o", "--platform", "linux/386", "oci-archive:"+theirs).succeeded()
	s.docker("multiarch", "create", "--append", "-t", "oci-archive:"+ours+":o", s.ref()).succeeded()
	s.docker("multiarch", "inspect", "--require", "linux/386,linux/amd64", "oci-archive:"+ours).succeeded()
	s.skopeo("oci-archive:"+ours+":o", "ours")
	published(t, openRegistry(), s.repo, "ours", oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}})
}

// A copy keeps Docker's list to the byte, for skopeo too. An engine loads it under the repository that it came from, also
// by way of another layout; and create makes of it what every skopeo finds by its tag.
func TestLayoutsThatAreCopies(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	out := t.TempDir()
	dir, file, made := filepath.Join(out, "dir"), filepath.Join(out, "file.tar"), filepath.Join(out, "made")
	want := oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}, MediaType: dockerList}

	digest := exported(t, s.docker("multiarch", "copy", s.ref(), "oci:"+dir+":copy"), "oci", dir, "copy")
	s.skopeo("oci:"+dir, "copied")
	assert.Equal(t, published(t, openRegistry(), s.repo, "copied", want).Digest, digest)

	s.docker("multiarch", "copy", "oci:"+dir+":copy", "oci-archive:"+file+":again").succeeded()
	modern, name := engine("modern"), s.front.address+"/"+s.repo+":again"
	modern.docker(t, "image", "load", "-q", "-i", file)
	assert.Equal(t, modern.image(t, name), digest)

	s.docker("multiarch", "create", "-t", "oci:"+made+":m", "oci:"+dir).succeeded()
	s.skopeo("oci:"+made+":m", "made")
	want.MediaType = ociIndex
	image := published(t, openRegistry(), s.repo, "made", want)
	// There is nothing left to change about it.
	assert.Equal(t, exported(t, s.docker("multiarch", "create", "-t", "oci:"+made+":n", "oci:"+made+":m"), "oci", made, "n"), image.Digest)
	s.docker("multiarch", "inspect", "oci:"+made).failed(125, "oci:"+made+": 2 images are there, choose one by its tag: m, n")
}
