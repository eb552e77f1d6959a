package plugin

import (
	"io"
	"log"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

func TestARegistryWithAForeignCertificateNeedsToBeNamed(t *testing.T) {
	server := httptest.NewUnstartedServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	host := server.Listener.Addr().String()
	tag, err := name.NewTag(host + "/app:1")
	assert.NilError(t, err)
	assert.NilError(t, remote.Write(tag, plugintest.Image(t, "linux/amd64", 1), remote.WithTransport(server.Client().Transport)))

	d, _, _, dir := two(t)
	for _, args := range [][]string{
		{"inspect", host + "/app:1"},
		{"create", "-t", host + "/app:2", host + "/app:1"},
		{"copy", host + "/app:1", host + "/other:1"},
		{"untag", host + "/app:1"},
		{"build", "--dry-run", "--push", "-t", host + "/app:new", dir},
	} {
		err := d.run(t, args...)
		assert.Equal(t, exitCode(err), exitUnavailable, "%s: %v", args[0], err)
		plugintest.Contains(t, err.Error(), "certificate not trusted")
		err = d.run(t, slices.Insert(args, 1, "--insecure-registry", "other.example:5000")...)
		assert.Equal(t, exitCode(err), exitUnavailable, "%s: one host does not open the others: %v", args[0], err)
		assert.NilError(t, d.run(t, slices.Insert(args, 1, "--insecure-registry", host)...), args[0])
	}
}

func TestWhatIsNoRegistryHost(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", "http://reg.example.com", "reg.example.com/app", "name", "reg.example.com:x", "user@reg.example.com"} {
		var hosts argument.Hosts
		assert.ErrorContains(t, hosts.Set(host), "HOST[:PORT]")
	}
	var hosts argument.Hosts
	for _, host := range []string{"reg.example.com", "reg.example.com:5000", "localhost", "10.0.0.1", "[::1]:5000", "name:5000"} {
		assert.NilError(t, hosts.Set(host))
	}
	assert.Equal(t, len(hosts), 6)
}
