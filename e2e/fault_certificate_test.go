//go:build e2e

package e2e

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// The engines of the farm trust the private registry's authority; here the client does not.
func TestCertificateTrustedByTheEnginesAlone(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	logins["config.json"](s.client, farm.password)
	s.env["SSL_CERT_FILE"] = "/etc/ssl/certs/ca-certificates.crt"
	ref := farm.private + "/" + s.repo + ":" + tag

	r := s.push("-t", ref, s.dir())

	r.failed(3, farm.private, "certificate", "SSL_CERT_FILE")
	assert.Assert(t, r.waited < 10*time.Second, "it took %s to notice", r.waited)
	assert.DeepEqual(t, tags(t, privateRegistry(t), s.repo), []string(nil))
	s.unsent()
	s.inspect(farm.private+"/busybox").failed(3, farm.private, "certificate", "SSL_CERT_FILE")

	// A base image is the engines' business alone.
	digestOf(t, s.push(files{"Dockerfile": privateDockerfile(t)}.dir(t)).succeeded(), s.ref())
	published(t, openRegistry(), s.repo, tag, bothPlatforms())
}

// Here it is the engines that can't push, each says so for itself, and the remedy is on the node.
func TestCertificateTrustedByTheClientAlone(t *testing.T) {
	t.Parallel()
	f, authority := newTLSFront(t)
	s := newSceneAt(t, f)
	s.env["SSL_CERT_FILE"] = authority

	r := s.push(s.dir(ownLayer))

	r.failed(3, "certificate", ": push: ", "linux/386 on i386", "linux/amd64 on amd64", "The engine of node ", "trust")
	s.unsent()
	assert.DeepEqual(t, tags(t, openRegistry(), s.repo), []string{tag})
	s.inspect(s.ref()).succeeded()

	// The same for a base image.
	r = s.build("-t", s.ref(), files{"Dockerfile": "FROM " + f.address + "/busybox\nLABEL " + s.label + "\n"}.dir(t))
	r.failed(3, "certificate", ": build: ", "linux/", f.address)
	s.cleanedUp()
}

// TLS on both sides, that both trust: the rest of the tests with this registry prove something only if this works.
func TestCertificateTrustedByBoth(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	logins["config.json"](c, farm.password)
	ref := farm.private + "/" + repo + ":1"
	c.build("-t", ref, "--push", files{"Dockerfile": dockerfile(ownLayer)}.dir(t)).succeeded()
	published(t, privateRegistry(t), repo, "1", oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}})
}

// A registry without TLS, on an address that is not loopback: an engine that lists it as insecure may push to it, and then the client
// speaks with it like that too. An engine that does not says so before the build.
func TestRegistryThatAnEngineListsAsInsecure(t *testing.T) {
	t.Parallel()
	f := &front{}
	f.Journal = oracle.NewJournal(f.upstream(t))
	f.address = listen(t, hostAddress(t), nil, f)
	s := newNodeSceneAt(t, f, "amd64", string(trixie))

	s.haveContexts("amd64")
	s.push("--platform", "linux/amd64", s.dir()).failed(3, f.address, "HTTP response to HTTPS client")
	s.unsent()

	s.haveContexts("amd64", string(trixie))
	s.push("--node", "linux/amd64:amd64", "--node", "linux/386:trixie", "--platform", "linux/amd64,linux/386", s.dir()).failed(3, "on amd64: push: ", "HTTP response to HTTPS client")
	s.unsent()

	s.haveContexts(string(trixie))
	digestOf(t, s.push("--platform", "linux/amd64", s.dir(ownLayer)).succeeded(), s.ref())
	published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/amd64"}})
}
