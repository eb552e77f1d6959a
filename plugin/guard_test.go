package plugin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

func TestIfUnchangedLeavesATagThatSomeoneElseChanged(t *testing.T) {
	d, _, _, dir := two(t)
	overtaken := make(chan string, 1)
	host := plugintest.Registry(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/manifests/1-linux-arm64") {
			return false
		}
		select {
		case by := <-overtaken: // while the parts are pushed another one publishes
			assert.Check(t, crane.Tag(by, "1"))
		default:
		}
		return false
	})
	args := []string{"build", "-t", host + "/app:1", "--push", dir}
	assert.NilError(t, d.run(t, append(args, "--if-unchanged")...))
	first, err := crane.Digest(host + "/app:1")
	assert.NilError(t, err)

	_, err = plugintest.Upload(host+"/app:other", plugintest.Image(t, "linux/s390x", 2))
	assert.NilError(t, err)
	other, err := crane.Digest(host + "/app:other")
	assert.NilError(t, err)
	overtaken <- host + "/app:other"
	err = d.run(t, append(args, "--if-unchanged", "--annotation", "index:a=b", "--platform", "linux/amd64,linux/arm64")...)
	assert.Equal(t, exitCode(err), exitChanged, "%v", err)
	plugintest.Contains(t, err.Error(), first, other)
	now, err := crane.Digest(host + "/app:1")
	assert.NilError(t, err)
	assert.Equal(t, now, other)
}

func TestIfUnchangedFromADigestIsCheckedBeforeTheBuild(t *testing.T) {
	d, amd, _, dir := two(t)
	host := plugintest.Registry(t, nil)
	_, err := plugintest.Upload(host+"/app:1", plugintest.Image(t, "linux/amd64", 1))
	assert.NilError(t, err)
	had, err := crane.Digest(host + "/app:1")
	assert.NilError(t, err)
	wrong := "sha256:" + strings.Repeat("a", 64)
	for _, args := range [][]string{
		{"build", "-t", host + "/app:1", "--push", "--if-unchanged=" + wrong, dir},
		{"create", "-t", host + "/app:1", "--if-unchanged=" + wrong, host + "/app@" + had},
	} {
		err = d.run(t, args...)
		assert.Equal(t, exitCode(err), exitChanged, "%v", err)
		plugintest.Contains(t, err.Error(), had, wrong)
	}
	assert.Equal(t, amd.Asked("grpc"), 0)
	assert.NilError(t, d.run(t, "build", "-t", host+"/app:1", "--push", "--if-unchanged="+had, dir))
	now, err := crane.Digest(host + "/app:1")
	assert.NilError(t, err)
	assert.Assert(t, now != had)
	assert.NilError(t, d.run(t, "create", "-t", host+"/app:1", "--if-unchanged="+now, host+"/app@"+had))
	err = d.run(t, "create", "-t", host+"/app:1", "--if-unchanged=soon", host+"/app@"+had)
	assert.Equal(t, exitCode(err), exitUsage, "%v", err)
}

func TestWhoMayNotPushIsToldBeforeTheBuild(t *testing.T) {
	d, amd, _, dir := two(t)
	host := plugintest.Registry(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	})
	err := d.run(t, "build", "-t", host+"/app:1", "--push", dir)
	assert.Equal(t, exitCode(err), exitUnavailable, "%v", err)
	assert.Equal(t, amd.Asked("grpc"), 0)
	assert.NilError(t, d.run(t, "build", "-t", host+"/app:1", "--push", "--dry-run", dir), "a dry run starts no upload")
}
