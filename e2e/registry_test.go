//go:build e2e

package e2e

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

const (
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
	dockerLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	foreignLayer   = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociConfig      = "application/vnd.oci.image.config.v1+json"
)

// openRegistry is the registry without password.
func openRegistry() *oracle.Registry { return &oracle.Registry{Base: "http://" + farm.registry} }

// privateRegistry is the one with TLS and a password.
func privateRegistry(t *testing.T) *oracle.Registry {
	t.Helper()
	return &oracle.Registry{
		Base: "https://" + farm.private, Client: trusting(t, farm.ca), User: farm.user, Password: farm.password,
	}
}

// trusting is an HTTP client that trusts the authority in a file.
func trusting(t *testing.T, file string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(file)
	assert.NilError(t, err)
	pool := x509.NewCertPool()
	assert.Assert(t, pool.AppendCertsFromPEM(pem))
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

// published has the oracle judge what a tag leads to.
func published(t *testing.T, r *oracle.Registry, repo, tag string, want oracle.Want) oracle.Image {
	t.Helper()
	image, err := r.Check(t.Context(), repo, tag, want)
	assert.NilError(t, err)
	return image
}

// bothPlatforms is what a build on both engines has to publish.
func bothPlatforms() oracle.Want {
	return oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}, MediaType: dockerList}
}

// tags lists what a repository has.
func tags(t *testing.T, r *oracle.Registry, repo string) []string {
	t.Helper()
	all, err := r.Tags(t.Context(), repo)
	assert.NilError(t, err)
	return all
}

// contentOf gives the files of each platform's image.
func contentOf(t *testing.T, r *oracle.Registry, repo, tag string) map[string]map[string]oracle.File {
	t.Helper()
	all := map[string]map[string]oracle.File{}
	for _, child := range published(t, r, repo, tag, oracle.Want{}).Children {
		content, err := r.Files(t.Context(), repo, child)
		assert.NilError(t, err)
		all[child.Platform] = content
	}
	return all
}

// descriptor points at content, in a manifest that a test writes itself.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    map[string]string `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// writer puts content into a repository, past product and engines.
type writer struct {
	t        *testing.T
	repo     string
	registry *oracle.Registry
}

// writeTo writes to the open registry.
func writeTo(t *testing.T, repo string) writer { return writer{t, repo, openRegistry()} }

func (w writer) do(method, path, contentType string, body []byte) *http.Response {
	w.t.Helper()
	url := path
	if !strings.HasPrefix(path, "http") {
		url = w.registry.Base + "/v2/" + w.repo + "/" + path
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, url, strings.NewReader(string(body)))
	assert.NilError(w.t, err)
	req.Header.Set("Content-Type", contentType)
	if w.registry.User != "" {
		req.SetBasicAuth(w.registry.User, w.registry.Password)
	}
	client := w.registry.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	assert.NilError(w.t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	assert.NilError(w.t, err)
	assert.Assert(w.t, resp.StatusCode < 300, "%s %s: %d %s", method, url, resp.StatusCode, answer)
	return resp
}

func (w writer) blob(mediaType string, content []byte) descriptor {
	w.t.Helper()
	d := descriptor{MediaType: mediaType, Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(content)), Size: len(content)}
	location, err := w.do(http.MethodPost, "blobs/uploads/", "", nil).Location()
	assert.NilError(w.t, err)
	query := location.Query()
	query.Set("digest", d.Digest)
	location.RawQuery = query.Encode()
	w.do(http.MethodPut, location.String(), "application/octet-stream", content)
	return d
}

// mount takes a blob over from another repository.
func (w writer) mount(from, digest string) {
	w.t.Helper()
	resp := w.do(http.MethodPost, "blobs/uploads/?mount="+digest+"&from="+from, "", nil)
	assert.Equal(w.t, resp.StatusCode, http.StatusCreated)
}

// manifest puts a document under a tag, or under its digest.
func (w writer) manifest(tag, mediaType string, document any) descriptor {
	w.t.Helper()
	raw, ok := document.([]byte)
	if !ok {
		var err error
		raw, err = json.Marshal(document)
		assert.NilError(w.t, err)
	}
	d := descriptor{MediaType: mediaType, Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(raw)), Size: len(raw)}
	if tag == "" {
		tag = d.Digest
	}
	w.do(http.MethodPut, "manifests/"+tag, mediaType, raw)
	return d
}

// image puts a small image without layers under a tag.
func (w writer) image(tag, architecture string) descriptor {
	w.t.Helper()
	config := fmt.Sprintf(`{"architecture":%q,"os":"linux","created":"2001-01-01T00:00:00Z","rootfs":{"type":"layers","diff_ids":[]}}`, architecture)
	return w.manifest(tag, dockerManifest, map[string]any{
		"schemaVersion": 2, "mediaType": dockerManifest, "layers": []descriptor{},
		"config": w.blob(dockerConfig, []byte(config)),
	})
}

// list puts a manifest list of such images under a tag.
func (w writer) list(tag string, architectures ...string) descriptor {
	w.t.Helper()
	var all []descriptor
	for _, architecture := range architectures {
		d := w.image("", architecture)
		d.Platform = map[string]string{"os": "linux", "architecture": architecture}
		all = append(all, d)
	}
	return w.manifest(tag, dockerList, map[string]any{"schemaVersion": 2, "mediaType": dockerList, "manifests": all})
}
