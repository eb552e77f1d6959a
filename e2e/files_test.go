//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// files are the files of a directory, by path.
type files map[string]string

// write puts the files into dir.
func (f files) write(t *testing.T, dir string) {
	t.Helper()
	for name, content := range f {
		path := filepath.Join(dir, name)
		assert.NilError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		assert.NilError(t, os.WriteFile(path, []byte(content), 0o644))
	}
}

// dir makes a directory of the files.
func (f files) dir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	f.write(t, dir)
	return dir
}

// dockerfile makes a Dockerfile on the farm's base image, of the lines given. The build argument makes its images and the engines'
// caches its own: images that tests share would be removed by one test while another one uses them. By the label the images that
// lost their name, because the same name was built again, are found when all tests have run.
func dockerfile(lines ...string) string {
	head := []string{"FROM " + baseImage() + " AS base", "ARG E2E=" + newMark(), "LABEL run=" + run}
	return strings.Join(append(head, lines...), "\n") + "\n"
}

// ownLayer gives each platform's image a layer that no other image has. A step that is run would take ten times as long.
const ownLayer = "ARG TARGETARCH\nCOPY Dockerfile /$TARGETARCH"

// baseImage is the small image that the farm put into its registry.
func baseImage() string { return farm.registry + "/busybox" }

// onEach is a shell command that does one thing on the amd64 engine and another on the i386 engine.
func onEach(amd64, i386 string) string {
	return fmt.Sprintf(`if [ "$(uname -m)" = x86_64 ]; then %s; else %s; fi`, amd64, i386)
}

var marks atomic.Int64

// newMark is a number that no other command line has: `sleep MARK` in a RUN is found again in the list of processes. It also keeps
// engines from having the step in their cache.
func newMark() string {
	return fmt.Sprint(1_000_000_000 + time.Now().UnixNano()/1000%1_000_000_000 + marks.Add(1))
}

// repository is a name for the test's images that no other test, and no other run, has.
func repository(t *testing.T) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(strings.TrimPrefix(t.Name(), "Test")))
	return run + "/" + strings.Trim(name, "-")
}

// absolute is for paths in the repository: commands run in a directory of their own.
func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	assert.NilError(t, err)
	return path
}
