//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// newEngines is a client of two engines that can do all there is, and a flag that has one of them build for 386, which its processor
// runs too.
func newEngines(t *testing.T) (c *client, args []string) {
	t.Helper()
	c = newClient(t)
	c.haveContexts(string(trixie), string(modern))
	return c, []string{"--platform", "linux/amd64,linux/386", "--node", "linux/386:modern", "--node", "linux/amd64:trixie"}
}

func TestNamedContexts(t *testing.T) {
	t.Parallel()
	c, args := newEngines(t)
	lib := files{"a": "all", "ignored": "x", ".dockerignore": "ignored\n.dockerignore\n"}.dir(t)
	own := files{"a": "386"}.dir(t)
	dir := files{"Dockerfile": "FROM base AS from-image\nRUN cp /bin/busybox /from-image\nFROM scratch\nCOPY --from=lib . /\nCOPY --from=from-image /from-image /\n"}.dir(t)

	got := c.told(both, append(args, "--build-context", "lib="+lib, "--build-context", "linux/386:lib="+own,
		"--build-context", "base=docker-image://"+baseImage(), dir)...)

	for platform, a := range map[string]string{"linux/amd64": "all", "linux/386": "386"} {
		assert.Assert(t, got[platform]["from-image"] != "")
		delete(got[platform], "from-image")
		assert.DeepEqual(t, got[platform], files{"a": a})
	}
	for _, wrong := range []string{"lib", "lib=", "=x", "lib=/nowhere", "lib=" + filepath.Join(lib, "a")} {
		c.build(append(args, "--build-context", wrong, dir)...).failed(125, "--build-context")
	}
}

// twice builds two states of a directory that have the same names, sizes and times, and gives the content of the file from the second.
func twice(t *testing.T, c *client, dir, changed string, at time.Time, args ...string) map[string]files {
	t.Helper()
	var got map[string]files
	for _, content := range []string{"old", "new"} {
		files{"a": content}.write(t, changed)
		assert.NilError(t, filepath.WalkDir(changed, func(path string, _ os.DirEntry, err error) error {
			if err == nil && filepath.Base(path) != "real" {
				err = os.Chtimes(path, at, at)
			}
			return err
		}))
		got = c.told(both, append(args, dir)...)
	}
	return got
}

// Times that a tool has set do not show that a file changed. No node may then take the old content for the new one.
func TestSameSizeAndTime(t *testing.T) {
	t.Parallel()
	whole := time.Unix(1_600_000_000, 0)
	want := map[string]files{"linux/amd64": {"a": "new"}, "linux/386": {"a": "new"}}
	t.Run("of all files", func(t *testing.T) {
		t.Parallel()
		dir := files{"Dockerfile": "FROM scratch\nCOPY a /\n", "b": "b"}.dir(t)
		assert.DeepEqual(t, twice(t, newClient(t), dir, dir, whole), want)
	})
	t.Run("of some files", func(t *testing.T) {
		t.Parallel()
		dir := files{"Dockerfile": "FROM scratch\nCOPY a /\n", "real": "its time is that of a clock"}.dir(t)
		assert.DeepEqual(t, twice(t, newClient(t), dir, dir, whole), want)
	})
	t.Run("the epoch", func(t *testing.T) {
		t.Parallel()
		dir := files{"Dockerfile": "FROM scratch\nCOPY a /\n"}.dir(t)
		assert.DeepEqual(t, twice(t, newClient(t), dir, dir, time.Unix(0, 0)), want)
	})
	t.Run("in a named context", func(t *testing.T) {
		t.Parallel()
		c, args := newEngines(t)
		dir, lib := files{"Dockerfile": "FROM scratch\nCOPY --from=lib a /\n"}.dir(t), t.TempDir()
		assert.DeepEqual(t, twice(t, c, dir, lib, whole, append(args, "--build-context", "lib="+lib)...), want)
	})
	t.Run("of the Dockerfile", func(t *testing.T) {
		t.Parallel()
		c, dir := newClient(t), t.TempDir()
		for _, content := range []string{"old", "new"} {
			files{"Dockerfile": telling(files{"a": "echo " + content})}.write(t, dir)
			assert.NilError(t, os.Chtimes(filepath.Join(dir, "Dockerfile"), whole, whole))
			assert.Equal(t, c.told(both, dir)["linux/386"]["a"], content)
		}
	})
}
