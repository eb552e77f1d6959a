//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// releaseFiles is the directory of a release for the platforms of both engines, and its version. scripts/test has made one.
func releaseFiles(t *testing.T) (dir, version string) {
	t.Helper()
	if dir = os.Getenv("MULTIARCH_RELEASE"); dir == "" {
		dir = t.TempDir()
		cmd := exec.CommandContext(t.Context(), "../scripts/release", "--shared-cache", "--output", dir, "linux/amd64", "linux/386")
		out, err := cmd.CombinedOutput()
		assert.NilError(t, err, "%s", out)
	}
	sums := readFile(t, filepath.Join(dir, "checksums.txt"))
	_, version, _ = strings.Cut(sums, "  docker-multiarch-v")
	version, _, found := strings.Cut(version, ".linux-")
	assert.Assert(t, found, "%s", sums)
	return dir, "v" + version
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	assert.NilError(t, err)
	return string(text)
}

// What a release has is a working plugin: in the image docker-multiarch-bin, which the plugin builds itself, in the Debian package,
// and by scripts/install.
func TestRelease(t *testing.T) {
	t.Parallel()
	dir, version := releaseFiles(t)
	says := `"Version": "` + version + `"`

	t.Run("image", func(t *testing.T) {
		t.Parallel()
		c, repo := newClient(t), repository(t)
		ref := farm.registry + "/" + repo + ":" + version
		c.build("--platform", "linux/amd64,linux/386", "--build-arg", "VERSION="+version,
			"--file", absolute(t, "../scripts/release.d/Dockerfile"), "--tag", ref, "--push", dir).succeeded()
		published(t, openRegistry(), repo, version, bothPlatforms())
		for _, e := range engines {
			assert.Assert(t, is.Contains(e.run(t, ref, "/docker-multiarch", "docker-cli-plugin-metadata"), says))
		}
	})
	t.Run("package", func(t *testing.T) {
		t.Parallel()
		files, err := filepath.Glob(filepath.Join(dir, "*_amd64.deb"))
		assert.NilError(t, err)
		assert.Equal(t, len(files), 1)
		root := t.TempDir()
		assert.NilError(t, exec.CommandContext(t.Context(), "dpkg-deb", "--extract", files[0], root).Run())
		out, err := exec.CommandContext(t.Context(), filepath.Join(root, "usr/libexec/docker/cli-plugins/docker-multiarch"), "docker-cli-plugin-metadata").Output()
		assert.NilError(t, err)
		assert.Assert(t, is.Contains(string(out), says))
	})
	t.Run("install", func(t *testing.T) {
		t.Parallel()
		c := newClient(t)
		out, err := installFrom(c, dir)
		assert.NilError(t, err, "%s", out)
		assert.Assert(t, is.Contains(c.docker("info", "--format", "{{json .ClientInfo.Plugins}}").succeeded().stdout, version))

		spoilt := t.TempDir()
		name := "docker-multiarch-" + version + ".linux-amd64"
		files{name: "spoilt", "checksums.txt": readFile(t, filepath.Join(dir, "checksums.txt"))}.write(t, spoilt)
		out, err = installFrom(c, spoilt)
		assert.Assert(t, err != nil)
		assert.Assert(t, is.Contains(out, name+" is not what checksums.txt says"))
	})
}

func installFrom(c *client, dir string) (string, error) {
	cmd := exec.CommandContext(c.t.Context(), "../scripts/install", dir)
	cmd.Env = append(c.environ(), "HOME="+c.config)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
