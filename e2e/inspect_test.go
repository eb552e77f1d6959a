//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// inspection is the documented format of inspect --format json.
type inspection struct {
	Reference, MediaType, Digest string
	Platforms                    []struct {
		Platform, Digest     string
		Size                 int64
		Layers, Attestations int
		Nodes                []string
	}
}

func inspectJSON(t *testing.T, c *client, args ...string) (in inspection) {
	t.Helper()
	r := c.inspect(append(args, "--format", "json")...).succeeded()
	assert.NilError(t, json.Unmarshal([]byte(r.stdout), &in), "%s", r)
	return in
}

func TestInspect(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	ref := farm.registry + "/" + repo + ":1"
	c.build("-t", ref, "--push", files{"Dockerfile": dockerfile("RUN uname -m > /machine")}.dir(t)).succeeded()
	image := published(t, openRegistry(), repo, "1", bothPlatforms())
	wire := newWire(t, "amd64")
	c.addContext("watched", wire.host)
	c.configure("currentContext", "watched")

	in := inspectJSON(t, c, ref)

	assert.Equal(t, in.Reference, ref)
	assert.Equal(t, in.MediaType, dockerList)
	assert.Equal(t, in.Digest, image.Digest)
	assert.Equal(t, len(in.Platforms), 2)
	for i, p := range in.Platforms {
		child := image.Children[i]
		size := int64(len(child.Config))
		for _, layer := range child.Layers {
			size += layer.Size
		}
		assert.Equal(t, p.Platform, child.Platform)
		assert.Equal(t, p.Digest, child.Digest)
		assert.Equal(t, p.Size, size)
		assert.Equal(t, p.Layers, len(child.Layers))
		assert.Equal(t, p.Attestations, 0)
	}

	table := c.inspect(ref).succeeded()
	for _, part := range []string{`PLATFORM +DIGEST +SIZE +LAYERS`, ref, image.Digest, `linux/386 +` + image.Children[0].Digest, `linux/amd64 +` + image.Children[1].Digest} {
		assert.Assert(t, is.Regexp(`(?m)`+part, table.stdout))
	}
	byDigest := c.inspect("--format", "{{.Platform}} {{.Digest}}", farm.registry+"/"+repo+"@"+image.Digest).succeeded()
	assert.Equal(t, byDigest.stdout, fmt.Sprintf("linux/386 %s\nlinux/amd64 %s\n", image.Children[0].Digest, image.Children[1].Digest))
	assert.Equal(t, c.inspect("--raw", ref).succeeded().stdout, string(image.Raw))

	assert.Equal(t, wire.dialled.Load(), int64(0), "an engine was asked")

	withNodes := inspectJSON(t, c, "--nodes", ref)
	assert.Assert(t, wire.dialled.Load() > 0)
	assert.DeepEqual(t, withNodes.Platforms[0].Nodes, []string{"i386"})
	assert.Assert(t, is.Len(withNodes.Platforms[1].Nodes, 1)) // Of the two contexts for one engine.
	assert.Assert(t, is.Regexp(`linux/386 .* i386\n`, c.inspect("--nodes", ref).succeeded().stdout))
}

func TestInspectSinglePlatformImage(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	image := writeTo(t, repo).image("1", "arm64")

	in := inspectJSON(t, c, farm.registry+"/"+repo+":1")

	assert.Equal(t, in.MediaType, dockerManifest)
	assert.Equal(t, in.Digest, image.Digest)
	assert.Assert(t, is.Len(in.Platforms, 1))
	assert.Equal(t, in.Platforms[0].Platform, "linux/arm64")
	assert.Equal(t, in.Platforms[0].Digest, image.Digest)
	assert.Equal(t, in.Platforms[0].Layers, 0)
}

// Builders hang attestations into the index as manifests for the platform unknown/unknown; a user has not asked for such a platform.
func TestInspectIndexWithAttestations(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	w := writeTo(t, repo)
	var all []descriptor
	for _, platform := range []string{"amd64", "arm64"} {
		d := w.manifest("", ociManifest, map[string]any{
			"schemaVersion": 2, "mediaType": ociManifest, "layers": []descriptor{},
			"config": w.blob(ociConfig, []byte(`{"os":"linux","architecture":"`+platform+`","rootfs":{"type":"layers","diff_ids":[]}}`)),
		})
		d.Platform = map[string]string{"os": "linux", "architecture": platform}
		all = append(all, d)
	}
	attestation := w.manifest("", ociManifest, map[string]any{
		"schemaVersion": 2, "mediaType": ociManifest,
		"config": w.blob(ociConfig, []byte(`{"os":"unknown","architecture":"unknown","rootfs":{"type":"layers","diff_ids":[]}}`)),
		"layers": []descriptor{w.blob("application/vnd.in-toto+json", []byte(`{"_type":"https://in-toto.io/Statement/v0.1"}`))},
	})
	attestation.Platform = map[string]string{"os": "unknown", "architecture": "unknown"}
	attestation.Annotations = map[string]string{
		"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": all[0].Digest,
	}
	index := w.manifest("1", ociIndex, map[string]any{"schemaVersion": 2, "mediaType": ociIndex, "manifests": append(all, attestation)})
	ref := farm.registry + "/" + repo + ":1"

	in := inspectJSON(t, c, ref)

	assert.Equal(t, in.Digest, index.Digest)
	assert.Assert(t, is.Len(in.Platforms, 2))
	assert.Equal(t, in.Platforms[0].Attestations, 1)
	assert.Equal(t, in.Platforms[1].Attestations, 0)
	assert.Assert(t, !strings.Contains(c.inspect(ref).succeeded().stdout, "unknown"))
}

func TestInspectWhatIsNotThere(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	writeTo(t, repo).image("1", "arm64")
	c.inspect(farm.registry+"/"+repo+":2").failed(3, farm.registry+"/"+repo+":2", "not found")
	c.inspect(farm.registry+"/"+repo).failed(3, repo+":latest", "not found")
	c.inspect(farm.registry+"/"+repo+"/absent:1").failed(3, "not found")
	c.inspect("not a reference").failed(125, "invalid reference")
	c.inspect("--format", "{{.Nought}}", farm.registry+"/"+repo+":1").failed(125, "format")
	c.inspect("--format", "{{", farm.registry+"/"+repo+":1").failed(125, "format")
}

func TestInspectWithoutLogin(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ref := farm.private + "/busybox"
	c.inspect(ref).failed(3, ref, "docker login "+farm.private)
	logins["config.json"](c, "wrong")
	c.inspect(ref).failed(3, ref, "docker login "+farm.private)
	logins["config.json"](c, farm.password)
	assert.Equal(t, len(inspectJSON(t, c, ref).Platforms), 4)
}

func TestInspectWhileTheRegistryIsDown(t *testing.T) {
	t.Parallel()
	newClient(t).inspect(closedAddress+"/app:1").failed(3, closedAddress+"/app:1", "refused", "Check the address")
}
