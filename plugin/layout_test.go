package plugin

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opencontainers/go-digest"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

func TestCopyThroughAnOCILayout(t *testing.T) {
	s := newShelf(t)
	s.attested(t, "app:a", "linux/amd64")
	want := digest.FromBytes(s.get(t, "app:a"))
	dir := filepath.Join(t.TempDir(), "layout")
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "copy", s.host+"/app:a", "oci:"+dir+":1"), d.Err.String())
	assert.Equal(t, d.Out.String(), "oci:"+dir+":1@"+want.String()+"\n")
	plugintest.Contains(t, d.Err.String(), "oci:"+dir+": ", "blobs copied")
	assert.NilError(t, d.run(t, "copy", "oci:"+dir+":1", s.host+"/back"), d.Err.String())
	assert.NilError(t, d.run(t, "copy", "oci:"+dir+"@"+want.String(), s.host+"/back:2"), d.Err.String())
	assert.Equal(t, digest.FromBytes(s.get(t, "back:1")), want)
	assert.Equal(t, digest.FromBytes(s.get(t, "back:2")), want)
}

func TestErrorsOfLayouts(t *testing.T) {
	s := newShelf(t)
	s.image(t, "app:a", "linux/amd64")
	dir := t.TempDir()
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "copy", s.host+"/app:a", "oci:"+dir))
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"oci:" + t.TempDir(), s.host + "/app:b"}, exitUsage, "oci-layout"},
		{[]string{"oci:", s.host + "/app:b"}, exitUsage, "oci:PATH"},
		{[]string{"oci-archive:" + dir + "/none.tar:1", s.host + "/app:b"}, exitUsage, "none.tar"},
		{[]string{"oci-archive:" + dir + "/index.json", s.host + "/app:b"}, exitUnverified, "not the archive of an image"},
		{[]string{"oci:" + dir, "oci-archive:" + dir + "/no/such/../../index.json/x:1"}, exitFailed, "index.json"},
		{[]string{"oci:" + dir + ":none", s.host + "/app:b"}, exitUnavailable, "oci:" + dir + ":none"},
	} {
		err := d.run(t, append([]string{"copy"}, c.args...)...)
		assert.Equal(t, exitCode(err), c.code, "%v: %v", c.args, err)
		plugintest.Contains(t, err.Error(), c.want)
	}
	assert.Assert(t, s.get(t, "app:b") == nil)
}

func TestImagesInAnArchive(t *testing.T) {
	s := newShelf(t)
	s.attested(t, "app:a", "linux/amd64")
	s.image(t, "app:b", "linux/arm64")
	want := digest.FromBytes(s.get(t, "app:a"))
	out := t.TempDir()
	file, dir := filepath.Join(out, "app.tar"), filepath.Join(out, "app")
	t.Setenv("TMPDIR", t.TempDir())
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "copy", s.host+"/app:a", "oci-archive:"+file), d.Err.String())
	assert.Equal(t, d.Out.String(), "oci-archive:"+file+":a@"+want.String()+"\n")
	plugintest.Contains(t, d.Err.String(), "oci-archive:"+file+": ", "blobs copied")

	// The only image needs no tag, and is the same wherever it goes.
	assert.NilError(t, d.run(t, "inspect", "--raw", "oci-archive:"+file), d.Err.String())
	assert.Equal(t, digest.FromString(d.Out.String()), want)
	assert.NilError(t, d.run(t, "inspect", "oci-archive:"+file), d.Err.String())
	plugintest.Contains(t, d.Out.String(), "oci-archive:"+file+":a\n", "linux/amd64", "provenance")
	assert.NilError(t, d.run(t, "copy", "oci-archive:"+file, "oci:"+dir+":1"), d.Err.String())
	assert.NilError(t, d.run(t, "copy", "oci:"+dir, s.host+"/back"), d.Err.String())
	assert.Equal(t, digest.FromBytes(s.get(t, "back:1")), want)

	// Images are joined in an archive, beside what it has.
	assert.NilError(t, d.run(t, "create", "-t", "oci-archive:"+file+":both", "-t", "oci:"+dir+":both", "-t", s.host+"/back:both", "oci-archive:"+file+":a", s.host+"/app:b"), d.Err.String())
	both := digest.FromBytes(s.get(t, "back:both"))
	created := d.Out.String()
	for _, name := range []string{"oci-archive:" + file + ":both", "oci:" + dir + ":both"} {
		plugintest.Contains(t, created, name+"@"+both.String()+"\n")
		assert.NilError(t, d.run(t, "inspect", "--require", "linux/amd64,linux/arm64", name), d.Err.String())
	}
	assert.NilError(t, d.run(t, "create", "--append", "-t", "oci-archive:"+file+":a", s.host+"/app:b"), d.Err.String())
	assert.NilError(t, d.run(t, "inspect", "--format", "json", "oci-archive:"+file+":a", "oci-archive:"+file+":both"), d.Err.String())
	assert.Equal(t, strings.Count(d.Out.String(), both.String()), 2)

	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	assert.NilError(t, err)
	assert.Equal(t, len(left), 0)
	made, err := os.ReadDir(out)
	assert.NilError(t, err)
	assert.Equal(t, len(made), 2)
}

func TestADryRunWritesNoLayout(t *testing.T) {
	s := newShelf(t)
	s.image(t, "app:b", "linux/arm64")
	out := t.TempDir()
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "create", "--dry-run", "-t", "oci-archive:"+out+"/x.tar:1", "-t", "oci:"+out+"/x:1", s.host+"/app:b"), d.Err.String())
	plugintest.Contains(t, d.Out.String(), "arm64")
	made, err := os.ReadDir(out)
	assert.NilError(t, err)
	assert.Equal(t, len(made), 0)
}

// What fails leaves an archive as it was.
func TestAFailureLeavesAnArchive(t *testing.T) {
	s := newShelf(t)
	s.image(t, "app:b", "linux/arm64")
	file := filepath.Join(t.TempDir(), "app.tar")
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "copy", s.host+"/app:b", "oci-archive:"+file), d.Err.String())
	before, err := os.ReadFile(file)
	assert.NilError(t, err)
	assert.Equal(t, exitCode(d.run(t, "copy", s.host+"/app:none", "oci-archive:"+file+":1")), exitUnavailable)
	assert.Equal(t, exitCode(d.run(t, "create", "-t", "oci-archive:"+file+":1", s.host+"/app:b", s.host+"/app:none")), exitUnavailable)
	after, err := os.ReadFile(file)
	assert.NilError(t, err)
	assert.DeepEqual(t, after, before)
}

// Two that write one archive: the one that ends later does not undo what the other did.
func TestAnArchiveThatChangesMeanwhile(t *testing.T) {
	s := newShelf(t)
	s.image(t, "app:a", "linux/amd64")
	file := filepath.Join(t.TempDir(), "app.tar")
	slow, fast := newDocker(t, "nobody", nil), newDocker(t, "nobody", nil)
	for _, tag := range []string{"1", "2"} { // one that is new, and one that is there
		var begun atomic.Bool
		s.on(func(http.ResponseWriter, *http.Request) bool {
			if begun.CompareAndSwap(false, true) {
				assert.Check(t, fast.run(t, "copy", s.host+"/app:a", "oci-archive:"+file+":fast"+tag))
			}
			return false
		})
		err := slow.run(t, "copy", s.host+"/app:a", "oci-archive:"+file+":slow"+tag)
		assert.Equal(t, exitCode(err), exitChanged, "%v", err)
		plugintest.Contains(t, err.Error(), "app.tar", "changed by someone else since it was read")
		assert.Equal(t, slow.Out.String(), "")
		assert.NilError(t, fast.run(t, "inspect", "oci-archive:"+file+":fast"+tag))
	}
}
