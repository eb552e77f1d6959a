//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/faultproxy"
	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// registries are those that publications go to, by name.
func registries(t *testing.T) map[string]string {
	t.Helper()
	v3 := os.Getenv("MULTIARCH_FARM_V3")
	assert.Assert(t, v3 != "", "the farm lacks a registry; run: scripts/farm up v3")
	return map[string]string{"docker-registry": farm.registry, "v3": v3}
}

// publication is one `create` to a tag that has an image already, with a proxy before the registry that can break anything. It builds
// nothing, so there can be many.
type publication struct {
	*client
	*faultproxy.Proxy

	registry *oracle.Registry // What it asks does not pass the proxy.
	journal  *oracle.Journal  // Of what reached the registry.
	tokens   *faultproxy.Tokens
	address  string
	repo     string
	sources  []string
	before   string // The digest of the tag.
}

// newPublication publishes to the registry at an address. The sources are images with a layer each; from the other repository of that
// registry if mounted, else from one that counts as another registry.
func newPublication(c *client, registry, repo string, mounted, tokens bool) *publication {
	c.t.Helper()
	p := &publication{client: c, repo: repo, registry: &oracle.Registry{Base: "http://" + registry}, journal: oracle.NewJournal("http://" + registry)}
	var handler http.Handler = p.journal
	if tokens {
		p.tokens = faultproxy.NewTokens(handler)
		handler = p.tokens
	}
	p.Proxy = faultproxy.New(handler, tag)
	p.address = listen(c.t, "127.0.0.1", nil, p.Proxy)
	if tokens {
		c.configure("auths", map[string]any{p.address: map[string]string{"auth": p.tokens.Auth()}})
	}
	home := registry
	if mounted {
		home = p.address
	}
	for _, architecture := range []string{"386", "amd64"} {
		d := (writer{c.t, repo + "/source", p.registry}).layered(architecture, repo)
		p.sources = append(p.sources, home+"/"+repo+"/source@"+d.Digest)
	}
	p.before = writer{c.t, repo, p.registry}.list(tag, "386", "amd64").Digest
	return p
}

// layered puts an image with one layer, of some text.
func (w writer) layered(architecture, text string) descriptor {
	w.t.Helper()
	var packed bytes.Buffer
	sum := sha256.New()
	zipped := gzip.NewWriter(&packed)
	for _, write := range []func([]byte) (int, error){zipped.Write, sum.Write} {
		archive := tar.NewWriter(writerFunc(write))
		assert.NilError(w.t, archive.WriteHeader(&tar.Header{Name: "text", Mode: 0o644, Size: int64(len(text))}))
		_, err := archive.Write([]byte(text))
		assert.NilError(w.t, errors.Join(err, archive.Close()))
	}
	assert.NilError(w.t, zipped.Close())
	config := fmt.Sprintf(`{"architecture":%q,"os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:%x"]}}`, architecture, sum.Sum(nil))
	return w.manifest("", dockerManifest, map[string]any{
		"schemaVersion": 2, "mediaType": dockerManifest, "config": w.blob(dockerConfig, []byte(config)),
		"layers": []descriptor{w.blob(dockerLayer, packed.Bytes())},
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func (p *publication) ref() string { return p.address + "/" + p.repo + ":" + tag }

// publish runs the command.
func (p *publication) publish(args ...string) result {
	p.t.Helper()
	return p.docker(append(append([]string{"multiarch", "create", "-t", p.ref()}, args...), p.sources...)...)
}

// judge asks the oracle: the tag is as it was, or leads to all of the new image; and which of them.
func (p *publication) judge(r result) (published bool, err error) {
	now, err := p.registry.Tag(p.t.Context(), p.repo, tag)
	if err != nil {
		return false, err
	}
	if now.Digest == p.before {
		return false, nil
	}
	image, err := p.registry.Check(p.t.Context(), p.repo, tag, bothPlatforms())
	if err != nil {
		return false, err
	}
	for i, child := range image.Children {
		if !strings.HasSuffix(p.sources[i], "@"+child.Digest) {
			return false, fmt.Errorf("the tag has %s, which nobody asked for", child.Digest)
		}
	}
	if r.code == 0 && r.stdout != p.ref()+"@"+image.Digest+"\n" {
		return false, errors.New("another digest on standard output than in the registry")
	}
	return true, nil
}
