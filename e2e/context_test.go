//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// below are the paths that the image has below a directory.
func below(content map[string]oracle.File, dir string) (paths []string) {
	for _, path := range slices.Sorted(maps.Keys(content)) {
		if rest, ok := strings.CutPrefix(path, dir+"/"); ok && content[path].Type != "dir" {
			paths = append(paths, rest)
		}
	}
	return paths
}

func TestIgnoreFiles(t *testing.T) {
	t.Parallel()
	tree := files{
		"Dockerfile": dockerfile("COPY . /ctx"), "other/Dockerfile": dockerfile("COPY . /ctx"),
		"a.txt": "a", "b.md": "b", "README.md": "r", "secret/key": "k", "secret/public": "p", "deep/er/c.md": "c", "deep/er/c.txt": "c",
		".dockerignore": "# comment\n*.md\n!README.md\nsecret\n!secret/public\n**/er/*.md\n.dockerignore\n**/Dockerfile*\n",
	}
	for name, test := range map[string]struct {
		more files
		args []string
		want []string
	}{
		"of the context":    {want: []string{"README.md", "a.txt", "deep/er/c.txt", "secret/public"}},
		"of the Dockerfile": {more: files{"Dockerfile.dockerignore": "*\n!a.txt\n"}, want: []string{"a.txt"}},
		"of another Dockerfile": {
			more: files{"other/Dockerfile.dockerignore": "**\n!**/*.md\nREADME.md\n"}, args: []string{"-f", "other/Dockerfile"},
			want: []string{"b.md", "deep/er/c.md"},
		},
		// The Dockerfile itself may be ignored: it is sent apart from the context.
		"everything but one": {more: files{".dockerignore": "*\n!deep\n"}, want: []string{"deep/er/c.md", "deep/er/c.txt"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, f, repo := newClient(t), newFront(t), repository(t)
			dir, file := tree.dir(t), filepath.Join(t.TempDir(), "metadata.json")
			test.more.write(t, dir)
			args := []string{"-t", f.address + "/" + repo + ":1", "--push", "--metadata-file", file, dir}
			if test.args != nil {
				args = append([]string{"-f", filepath.Join(dir, test.args[1])}, args...)
			}

			c.build(args...).succeeded()

			for platform, content := range contentOf(t, openRegistry(), repo, "1") {
				assert.DeepEqual(t, below(content, "ctx"), test.want)
				m, _ := readMetadata(t, file)
				assert.DeepEqual(t, m.Platforms[platform].Sent, test.want)
			}
		})
	}
}

// dockerBuild builds with the engine's own client, the reference for what a build means.
func dockerBuild(t *testing.T, e engine, name, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("docker-debian", append([]string{"--context", string(e), "build", "--no-cache", "-q", "-t", name, dir}, args...)...)
	cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+filepath.Join(farm.root, "docker-config"), "DOCKER_BUILDKIT=1")
	out, err := cmd.CombinedOutput()
	assert.NilError(t, err, "%s", out)
}

// awkwardTree has everything in it that a file system can do to a build context.
func awkwardTree(t *testing.T) string {
	t.Helper()
	dir := files{
		"Dockerfile": dockerfile("COPY . /ctx"), "plain": "x", "executable": "#!/bin/sh\n", "secret": "s", "setuid": "u", "empty": "",
		"with space": "1", "ünïcode": "2", "a-b": "3", "a/b": "4", "a.b": "5", "deep/1/2/3/4/5/file": "6", "linked": "7",
		"big": strings.Repeat("0123456789abcdef", 1<<17),
	}.dir(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, mode := range map[string]uint32{"executable": 0o755, "secret": 0o600, "setuid": 0o4755} {
		assert.NilError(t, syscall.Chmod(at(name), mode))
	}
	for name, mode := range map[string]uint32{"empty-dir": 0o755, "closed-dir": 0o700, "sticky-dir": 0o1777} {
		assert.NilError(t, os.Mkdir(at(name), 0o755))
		assert.NilError(t, syscall.Chmod(at(name), mode))
	}
	for name, target := range map[string]string{
		"link": "plain", "link-dir": "deep/1", "link-out": "/etc/passwd", "link-up": "../../outside", "dangling": "nothing", "deep/link": "../plain",
	} {
		assert.NilError(t, os.Symlink(target, at(name)))
	}
	for _, name := range []string{"hard", "zz-hard", "a/hard"} {
		assert.NilError(t, os.Link(at("linked"), at(name)))
	}
	assert.NilError(t, os.Lchown(at("plain"), 1234, 4321))
	assert.NilError(t, os.Chtimes(at("plain"), time.Time{}, time.Unix(1e9, 0)))
	return dir
}

// The files of an image are those that `docker build` would make of the same directory, bit for bit.
func TestFilesAreThoseOfDockerBuild(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	name := farm.registry + "/" + repo
	dir := awkwardTree(t)

	c.build("-t", name+":ours", "--push", "--no-cache", dir).succeeded()

	ours := contentOf(t, openRegistry(), repo, "ours")
	for _, e := range engines {
		theirs := name + ":theirs" + e.suffix()
		dockerBuild(t, e, theirs, dir)
		e.docker(t, "push", theirs)
		want := contentOf(t, openRegistry(), repo, "theirs"+e.suffix())[e.platform()]
		assert.Assert(t, len(below(want, "ctx")) > 20, "the comparison has nothing to compare")
		assert.DeepEqual(t, ours[e.platform()], want)
		assert.Equal(t, times8601(t, e, name+":ours"), times8601(t, e, theirs))
	}
}

// times8601 lists the time of each file in an image.
func times8601(t *testing.T, e engine, image string) string {
	t.Helper()
	return e.run(t, image, "sh", "-c", "cd /ctx && find . -type f -exec stat -c '%n %Y' {} + | sort")
}

// What has no content to send is left out, as docker build does, and can't block the build.
func TestPipesAndSocketsAreLeftOut(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	name := farm.registry + "/" + repo
	dir := files{"Dockerfile": dockerfile("COPY . /ctx"), "a": "a", "z": "z"}.dir(t)
	assert.NilError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	socket, err := net.Listen("unix", filepath.Join(dir, "socket"))
	assert.NilError(t, err)
	defer socket.Close()

	c.build("-t", name+":1", "--push", dir).succeeded()

	for _, content := range contentOf(t, openRegistry(), repo, "1") {
		assert.DeepEqual(t, below(content, "ctx"), []string{"Dockerfile", "a", "z"})
	}
}

// Many small files go over in one piece, to both nodes.
func TestManyFiles(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	tree := files{"Dockerfile": dockerfile("COPY . /ctx")}
	for i := range 1000 {
		tree[fmt.Sprintf("d%d/f%d", i%50, i)] = fmt.Sprint(i)
	}

	c.build("-t", repo, tree.dir(t)).succeeded()

	for _, e := range engines {
		assert.Equal(t, e.run(t, repo, "sh", "-c", "find /ctx -type f | wc -l; cat /ctx/d49/f999"), "1001\n999")
	}
}
