package plugin

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

// untagged is a published image with its per-platform tags, and others.
func untagged(t *testing.T) *shelf {
	t.Helper()
	s := newShelf(t)
	s.image(t, "app:1-linux-amd64", "linux/amd64")
	s.attested(t, "app:1-linux-arm64", "linux/arm64")
	arm64 := s.entry(t, "app:1-linux-arm64", nil)
	assert.Equal(t, arm64.MediaType, "application/vnd.oci.image.index.v1+json")
	s.image(t, "app:1-windows-amd64", "windows/amd64", func(c *v1.ConfigFile) { c.OSVersion = "10.0.20348.9" })
	s.image(t, "app:mine-amd64", "linux/amd64")
	s.image(t, "app:other", "linux/s390x")
	s.index(t, "app:1", nil, s.entry(t, "app:1-linux-amd64", nil), arm64, s.entry(t, "app:1-windows-amd64", nil))
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "create", "-t", s.host+"/app:1", s.host+"/app:1")) // flat
	s.put(t, "app:stable", "application/vnd.oci.image.index.v1+json", s.get(t, "app:1"))
	return s
}

func TestUntag(t *testing.T) {
	s := untagged(t)
	before := digest.FromBytes(s.get(t, "app:1"))
	d := newDocker(t, "nobody", nil)
	want := s.host + "/app:1-linux-amd64\n" + s.host + "/app:1-linux-arm64\n" + s.host + "/app:1-windows-amd64\n"

	assert.NilError(t, d.run(t, "untag", "--dry-run", s.host+"/app:1"), d.Err.String())
	assert.Equal(t, d.Out.String(), want)
	assert.Assert(t, s.get(t, "app:1-linux-amd64") != nil)

	assert.NilError(t, d.run(t, "untag", s.host+"/app:1"))
	assert.Equal(t, d.Out.String(), want)
	assert.Equal(t, d.Err.String(), "")
	for _, tag := range []string{"1-linux-amd64", "1-linux-arm64", "1-windows-amd64"} {
		assert.Assert(t, s.get(t, "app:"+tag) == nil, tag)
	}
	assert.Equal(t, digest.FromBytes(s.get(t, "app:1")), before)
	assert.Assert(t, s.get(t, "app:mine-amd64") != nil)
	assert.NilError(t, d.run(t, "inspect", "--require", "linux/amd64,linux/arm64,windows/amd64", s.host+"/app:1"), "the image is whole")

	assert.NilError(t, d.run(t, "untag", s.host+"/app:1"), "once more")
	assert.Equal(t, d.Out.String(), "")

	assert.NilError(t, d.run(t, "untag", "--any-name", s.host+"/app:1"))
	assert.Equal(t, d.Out.String(), s.host+"/app:mine-amd64\n")
	for _, tag := range []string{"1", "stable", "other"} {
		assert.Assert(t, s.get(t, "app:"+tag) != nil, tag)
	}
}

func TestUntagByTemplate(t *testing.T) {
	s := untagged(t)
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "untag", "--platform-tag", "mine-{{.Arch}}", s.host+"/app:1"))
	assert.Equal(t, d.Out.String(), s.host+"/app:mine-amd64\n")

	// A template that gives the image's own tag.
	before := s.get(t, "app:1")
	assert.NilError(t, d.run(t, "untag", "--platform-tag", "{{.Tag}}", s.host+"/app:1"))
	assert.Equal(t, d.Out.String(), "")
	assert.DeepEqual(t, s.get(t, "app:1"), before)

	// A tag that the template gives and that points elsewhere.
	assert.NilError(t, d.run(t, "untag", "--platform-tag", "other", s.host+"/app:1"))
	assert.Equal(t, d.Out.String(), "")
	plugintest.Contains(t, d.Err.String(), "Kept: untagging "+s.host+"/app:other: tag has other content")
	assert.Assert(t, s.get(t, "app:other") != nil)
	assert.NilError(t, d.run(t, "untag", "--dry-run", "--platform-tag", "stable", s.host+"/app:1"))
	plugintest.Contains(t, d.Err.String(), "Kept:", "app:stable")
	assert.NilError(t, d.run(t, "untag", "--platform-tag", "stable", s.host+"/app:1"))
	assert.Assert(t, s.get(t, "app:stable") != nil)
}

func TestUntagWhereTheRegistryCanNot(t *testing.T) {
	s := untagged(t)
	deletes := 0
	answer := http.StatusMethodNotAllowed
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodDelete {
			return false
		}
		deletes++
		w.WriteHeader(answer)
		return true
	})
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, d.run(t, "untag", s.host+"/app:1"))
	assert.Equal(t, d.Out.String(), "")
	plugintest.Contains(t, d.Err.String(), "Kept: untagging "+s.host+"/app:1-linux-amd64: not supported", "can't delete a tag alone")
	assert.Equal(t, deletes, 1)

	answer = http.StatusForbidden
	err := d.run(t, "untag", s.host+"/app:1")
	assert.Equal(t, exitCode(err), exitUnavailable, "%v", err)
}

func TestErrorsOfUntag(t *testing.T) {
	s := untagged(t)
	d := newDocker(t, "nobody", nil)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "requires 1 argument"},
		{[]string{"UPPER"}, exitUsage, "UPPER"},
		{[]string{s.host + "/app@" + digest.FromString("x").String()}, exitUsage, "want a tag"},
		{[]string{s.host + "/app:1@" + digest.FromString("x").String()}, exitUsage, "want a tag"},
		{[]string{"oci:layout:1"}, exitUsage, "an image in a registry"},
		{[]string{"oci-archive:app.tar"}, exitUsage, "an image in a registry"},
		{[]string{"--platform-tag", "{{.Nope}}", s.host + "/app:1"}, exitUsage, "Nope"},
		{[]string{"--platform-tag", "a b", s.host + "/app:1"}, exitUsage, "a b"},
		{[]string{"--platform-tag", "none", s.host + "/app:gone"}, exitUnavailable, "not found"},
		{[]string{"--any-name", s.host + "/app:other"}, exitUsage, "several platforms"},
	} {
		err := d.run(t, append([]string{"untag"}, c.args...)...)
		assert.Equal(t, exitCode(err), c.code, "%v", err)
		plugintest.Contains(t, err.Error(), c.want)
		assert.Equal(t, d.Out.String(), "")
	}
}

// Whatever happens to the tag meanwhile is said.
func TestUntagLooksAtTheImageAfterwards(t *testing.T) {
	s := untagged(t)
	var gone atomic.Bool
	s.on(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodDelete {
			gone.Store(true)
		}
		if gone.Load() && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/manifests/1") {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	})
	d := newDocker(t, "nobody", nil)
	err := d.run(t, "untag", s.host+"/app:1")
	assert.Equal(t, exitCode(err), exitUnavailable, "%v", err)
	plugintest.Contains(t, err.Error(), "checking what is left")
}
