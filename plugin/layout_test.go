package plugin

import (
	"path/filepath"
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
		{[]string{"oci:", s.host + "/app:b"}, exitUsage, "oci:DIR"},
		{[]string{"oci:" + dir + ":none", s.host + "/app:b"}, exitUnavailable, "oci:" + dir + ":none"},
	} {
		err := d.run(t, append([]string{"copy"}, c.args...)...)
		assert.Equal(t, exitCode(err), c.code, "%v: %v", c.args, err)
		plugintest.Contains(t, err.Error(), c.want)
	}
	assert.Assert(t, s.get(t, "app:b") == nil)
}
