//go:build e2e

package e2e

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// withoutEngines has the registry refuse engines. It returns how often one tried.
func (f *front) withoutEngines() func() int64 {
	var tried atomic.Int64
	var refuse fault = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.UserAgent(), "docker/") {
			return false
		}
		tried.Add(1)
		http.Error(w, "no engines here", http.StatusForbidden)
		return true
	}
	f.fault.Store(&refuse)
	return tried.Load
}

// Images of every kind of engine come to a registry that no engine reaches, by way of the client.
func TestRelay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		nodes []string
		args  []string
		tags  []string
	}{
		"graph drivers": {[]string{"trixie", "ssh"}, nil, []string{"1", "1-linux-386", "1-linux-amd64"}},
		"containerd":    {[]string{"modern", "i386"}, nil, []string{"1", "1-linux-386", "1-linux-amd64"}},
		"by digest":     {[]string{"modern", "i386"}, []string{"--platform-tag", "none"}, []string{"1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newNodeScene(t, test.nodes...)
			tried := s.front.withoutEngines()
			args := slices.Concat(test.args, []string{"--relay", strings.Join(test.nodes, ",")})
			// Two layers are one and the same.
			dir := s.dir("RUN uname -m > /machine", "COPY --chmod=644 Dockerfile /a", "RUN true", "RUN true")

			r := s.push(append(args, dir)...).succeeded()

			assert.Equal(t, tried(), int64(0), "an engine went to the registry")
			image := published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}})
			assert.Equal(t, image.Digest, digestOf(t, r, s.ref()))
			assertOnePut(t, s.front, s.repo, tag, image)
			for i, e := range []engine{behind(test.nodes[1]), behind(test.nodes[0])} {
				child := image.Children[i]
				if id := e.image(t, s.ref()); e == "modern" {
					assert.Equal(t, child.Digest, id)
				} else {
					assert.Equal(t, child.ConfigDigest, id)
				}
			}
			for platform, content := range contentOf(t, openRegistry(), s.repo, tag) {
				machine := map[string]string{"linux/386": "i686\n", "linux/amd64": "x86_64\n"}[platform]
				assert.Equal(t, content["machine"].SHA256, fmt.Sprintf("%x", sha256.Sum256([]byte(machine))))
			}
			assert.DeepEqual(t, tags(t, openRegistry(), s.repo), test.tags)

			// What the registry has is not sent again.
			before := len(s.front.writes())
			s.push(append(args, dir)...).succeeded()
			for _, w := range s.front.writes()[before:] {
				assert.Assert(t, !strings.Contains(w, "PATCH"), "%v", s.front.writes()[before:])
			}
		})
	}
}

// Attestations go with their image.
func TestRelayWithAttestations(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, "modern")
	tried := s.front.withoutEngines()
	s.push("--platform", "linux/amd64", "--provenance=true", "--relay", "modern", s.dir()).succeeded()
	assert.Equal(t, tried(), int64(0))
	published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/amd64"}})
	s.inspect(s.ref()).succeeded()
	assert.Assert(t, is.Contains(s.inspect(s.ref()).stdout, "provenance"))
}

// multiarch.yaml says that a node doesn't push; the engine's disk has nothing to do with what is short here.
func TestRelayInTheSettings(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	tried := s.front.withoutEngines()
	assert.NilError(t, os.WriteFile(filepath.Join(s.config, "multiarch.yaml"), []byte("node:\n  amd64: {push: relay}\n"), 0o600))
	s.push(s.dir()).failed(3, "node i386 could not push")
	assert.Assert(t, tried() > 0)
	s.unharmed()

	was := tried()
	s.push("--relay", "i386", s.dir()).succeeded()
	assert.Equal(t, tried(), was)
	s.push("--relay", "nowhere", s.dir()).failed(125, `"nowhere" is not a node`)
}

// To another machine, 127.0.0.1 is another registry than to this one.
func TestARegistryOnThisMachineAndANodeOnAnother(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, "ssh", "amd64")
	// The engine behind ssh is on this machine, so the client has to be on another one.
	elsewhere := func(args ...string) result {
		t.Helper()
		script := `hostname elsewhere && exec docker multiarch build "$@"`
		return s.startAs("unshare", append([]string{"--uts", "sh", "-c", script, "sh"}, s.pushing(args...)...)...).wait()
	}
	dir := s.dir()
	elsewhere("--platform", "linux/386,linux/amd64", dir).failed(125, "this machine's own registry", "node ssh (ssh://", "--relay ssh")
	s.unsent()
	r := elsewhere("--platform", "linux/386,linux/amd64", "--relay", "ssh", dir).succeeded()
	image := published(t, openRegistry(), s.repo, tag, bothPlatforms())
	assert.Equal(t, image.Digest, digestOf(t, r, s.ref()))
}

// An engine with the containerd store pushes by digest, and leaves no tag but the target's: to a registry with a password too.
func TestPushByDigest(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, "modern", "i386")
	logins["config.json"](s.client, farm.password)
	args := []string{"--platform", "linux/amd64", "--platform-tag", "none"}
	dir := s.dir("RUN uname -m > /machine")
	for ref, registry := range map[string]*oracle.Registry{s.ref(): openRegistry(), farm.private + "/" + s.repo + ":" + tag: privateRegistry(t)} {
		r := s.build(append([]string{"--push", "-t", ref, dir}, args...)...).succeeded()
		image := published(t, registry, s.repo, tag, oracle.Want{Platforms: []string{"linux/amd64"}})
		assert.Equal(t, image.Digest, digestOf(t, r, ref))
		assert.Equal(t, image.Children[0].Digest, engine("modern").image(t, ref), "another image was pushed than was built")
		assert.DeepEqual(t, tags(t, registry, s.repo), []string{tag})
	}
	// What is there by then is the new one: a plan that is refused leaves it.
	writes := len(s.front.writes())
	s.push("--platform-tag", "none", dir).failed(125, "can't push without a per-platform tag: node i386", "--relay NODE")
	s.push(append([]string{"--provenance=true", dir}, args...)...).failed(125, "can't push without a per-platform tag: node modern, with attestations")
	assert.Equal(t, len(s.front.writes()), writes)
	s.push("--platform-tag", "none", "--relay", "i386", dir).succeeded()
	published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}})
	assert.DeepEqual(t, tags(t, openRegistry(), s.repo), []string{tag})
}
