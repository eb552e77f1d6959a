package oracle

import (
	"bytes"
	"slices"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// sabotage is one way to spoil what was pushed, and all the rules that it breaks.
type sabotage struct {
	name  string
	push  push
	after func(t *testing.T, f *fake, children []string)
	rules []error
}

func TestCheckReportsEachSabotage(t *testing.T) {
	t.Parallel()
	table := slices.Concat(contentSabotage, documentSabotage, platformSabotage, familySabotage, attestationSabotage)
	for _, s := range table {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f, registry := newFake(t)
			if s.push.platforms == nil {
				s.push.platforms = linuxThree
			}
			children := s.push.to(t, f)
			if s.after != nil {
				s.after(t, f, children)
			}
			_, err := registry.Check(t.Context(), repo, "1", Want{})
			assert.Check(t, is.DeepEqual(broken(err), sorted(s.rules...)))
		})
	}
}

func flip(raw []byte) []byte {
	flipped := bytes.Clone(raw)
	flipped[len(flipped)/2] ^= 1
	return flipped
}

func firstLayer(m obj) obj { return m["layers"].([]obj)[0] }

var contentSabotage = []sabotage{
	{
		name: "flipped byte in a layer", rules: []error{ErrDigest, ErrUnpack},
		after: func(t *testing.T, f *fake, _ []string) {
			digest := layerDigest(t, "linux/arm64")
			f.blobs[digest] = flip(f.blobs[digest])
		},
	},
	{
		name: "cut layer", rules: []error{ErrDigest, ErrUnpack, ErrSize},
		after: func(t *testing.T, f *fake, _ []string) {
			digest := layerDigest(t, "linux/arm64")
			f.blobs[digest] = f.blobs[digest][:20]
		},
	},
	{
		name: "empty layer", rules: []error{ErrDigest, ErrUnpack, ErrSize},
		after: func(t *testing.T, f *fake, _ []string) { f.blobs[layerDigest(t, "linux/arm64")] = nil },
	},
	{
		name: "missing layer", rules: []error{ErrMissing},
		after: func(t *testing.T, f *fake, _ []string) { delete(f.blobs, layerDigest(t, "linux/arm64")) },
	},
	{
		name: "missing config", rules: []error{ErrMissing},
		push: push{manifest: func(_ int, m obj) { m["config"].(obj)["digest"] = digestOf([]byte("nothing")) }},
	},
	{
		name: "another config's bytes", rules: []error{ErrDigest, ErrSize, ErrDocument},
		after: func(_ *testing.T, f *fake, _ []string) {
			for digest, raw := range f.blobs {
				if bytes.HasPrefix(raw, []byte("{")) {
					f.blobs[digest] = []byte("no config")
				}
			}
		},
	},
	{
		name: "missing child", rules: []error{ErrMissing},
		after: func(_ *testing.T, f *fake, children []string) { delete(f.manifests, children[1]) },
	},
	{
		name: "flipped bit in a child", rules: []error{ErrDigest},
		after: func(_ *testing.T, f *fake, children []string) {
			m := f.manifests[children[0]]
			m.raw = bytes.Replace(m.raw, []byte("schemaVersion"), []byte("schemaversion"), 1) // One bit, and Go reads it all the same.
			f.manifests[children[0]] = m
		},
	},
	{
		name: "tag gives other bytes than its digest", rules: []error{ErrTag, ErrDigest},
		after: func(_ *testing.T, f *fake, _ []string) {
			m := f.manifests["1"]
			f.manifests[digestOf(m.raw)] = stored{m.mediaType, append(bytes.Clone(m.raw), '\n')}
		},
	},
	{
		name: "tag that its digest does not know", rules: []error{ErrTag, ErrMissing},
		after: func(_ *testing.T, f *fake, _ []string) { delete(f.manifests, digestOf(f.manifests["1"].raw)) },
	},
	{
		name: "digest header lies", rules: []error{ErrDigest},
		after: func(_ *testing.T, f *fake, _ []string) { f.header.Set("Docker-Content-Digest", digestOf(nil)) },
	},
	{
		name: "wrong size of a layer", rules: []error{ErrSize},
		push: push{manifest: func(_ int, m obj) { firstLayer(m)["size"] = 7 }},
	},
	{
		name: "wrong size of a config", rules: []error{ErrSize},
		push: push{manifest: func(_ int, m obj) { m["config"].(obj)["size"] = 7 }},
	},
	{name: "wrong size of a child", rules: []error{ErrSize}, push: push{index: func(_ obj, c []obj) { c[2]["size"] = 7 }}},
	{
		name: "no digest of a child", rules: []error{ErrDigest},
		push: push{index: func(_ obj, c []obj) { c[2]["digest"] = "sha512:12" }},
	},
	{
		name: "no digest of a layer", rules: []error{ErrDigest},
		push: push{manifest: func(_ int, m obj) { firstLayer(m)["digest"] = "../.." }},
	},
	{
		name: "wrong diff_id", rules: []error{ErrDiffID},
		push: push{config: func(_ int, c obj) { c["rootfs"].(obj)["diff_ids"].([]string)[0] = digestOf(nil) }},
	},
	{
		name: "fewer layers than diff_ids", rules: []error{ErrLayers},
		push: push{manifest: func(_ int, m obj) { m["layers"] = m["layers"].([]obj)[:1] }},
	},
	{
		name: "more layers than diff_ids", rules: []error{ErrLayers},
		push: push{config: func(_ int, c obj) { c["rootfs"] = obj{} }},
	},
	{
		name: "gzip that calls itself a tar", rules: []error{ErrDiffID},
		push: push{manifest: func(_ int, m obj) { firstLayer(m)["mediaType"] = ociLayer + "v1.tar" }},
	},
	{
		name: "zstd can't be judged", rules: []error{ErrUnpack},
		push: push{manifest: func(_ int, m obj) { firstLayer(m)["mediaType"] = ociLayer + "v1.tar+zstd" }},
	},
}

var documentSabotage = []sabotage{
	{
		name: "both manifests and layers", rules: []error{ErrDocument},
		push: push{index: func(index obj, _ []obj) { index["layers"] = []obj{} }},
	},
	{
		name: "layers and manifests in a child", rules: []error{ErrDocument},
		push: push{manifest: func(_ int, m obj) { m["manifests"] = []obj{} }},
	},
	{
		name: "child without layers", rules: []error{ErrDocument, ErrLayers},
		push: push{manifest: func(_ int, m obj) { delete(m, "layers") }},
	},
	{name: "child without config", rules: []error{ErrDocument}, push: push{manifest: func(_ int, m obj) { delete(m, "config") }}},
	{
		name: "index without children", rules: []error{ErrDocument},
		push: push{index: func(index obj, _ []obj) { index["manifests"] = []obj{} }},
	},
	{name: "old schema", rules: []error{ErrDocument}, push: push{index: func(index obj, _ []obj) { index["schemaVersion"] = 1 }}},
	{
		name: "no JSON", rules: []error{ErrDocument},
		after: func(_ *testing.T, f *fake, _ []string) {
			for _, key := range []string{"1", digestOf([]byte("{"))} {
				f.manifests[key] = stored{ociIndex, []byte("{")}
			}
		},
	},
	{
		name: "sent as another type than it says", rules: []error{ErrMediaType, ErrDocument},
		after: func(_ *testing.T, f *fake, _ []string) {
			m := stored{ociManifest, f.manifests["1"].raw}
			f.manifests["1"], f.manifests[digestOf(m.raw)] = m, m
		},
	},
	{
		name: "sent by tag as another type than by digest", rules: []error{ErrTag},
		after: func(_ *testing.T, f *fake, _ []string) {
			f.manifests[digestOf(f.manifests["1"].raw)] = stored{dockerList, f.manifests["1"].raw}
		},
	},
	{
		name: "no image at all", rules: []error{ErrMediaType},
		push: push{index: func(index obj, _ []obj) { index["mediaType"] = "application/json" }},
	},
	{
		name: "descriptor with another type than the child", rules: []error{ErrMediaType},
		push: push{index: func(_ obj, c []obj) { c[0]["mediaType"] = dockerManifest }},
	},
	{
		name: "Docker config in an OCI manifest", rules: []error{ErrMediaType},
		push: push{manifest: func(_ int, m obj) { m["config"].(obj)["mediaType"] = dockerConfig }},
	},
	{
		name: "Docker layer in an OCI manifest", rules: []error{ErrMediaType},
		push: push{manifest: func(_ int, m obj) { firstLayer(m)["mediaType"] = dockerLayer + "diff.tar.gzip" }},
	},
	{
		name: "Docker list that does not name its type", rules: []error{ErrMediaType},
		push: push{docker: true, index: func(index obj, _ []obj) { delete(index, "mediaType") }},
		after: func(_ *testing.T, f *fake, _ []string) {
			m := stored{dockerList, f.manifests["1"].raw}
			f.manifests["1"], f.manifests[digestOf(m.raw)] = m, m
		},
	},
	{
		name: "index within an index", rules: []error{ErrMediaType},
		push: push{manifest: func(_ int, m obj) {
			clear(m)
			m["schemaVersion"], m["mediaType"], m["manifests"] = 2, ociIndex, []obj{}
		}},
	},
}

var platformSabotage = []sabotage{
	{
		name: "wrong architecture", rules: []error{ErrPlatform},
		push: push{config: func(i int, c obj) { c["architecture"] = []string{"amd64", "arm", "amd64"}[i] }},
	},
	{name: "wrong os", rules: []error{ErrPlatform}, push: push{config: func(_ int, c obj) { c["os"] = "windows" }}},
	{
		name: "architecture by its other name", rules: []error{ErrPlatform},
		push: push{config: func(i int, c obj) { c["architecture"] = []string{"amd64", "arm", "aarch64"}[i] }},
	},
	{name: "wrong variant", rules: []error{ErrPlatform}, push: push{config: func(_ int, c obj) { c["variant"] = "v6" }}},
	{
		name: "variant lost in the index", rules: []error{ErrPlatform},
		push: push{platforms: []string{"linux/arm/v6"}, index: func(_ obj, c []obj) { delete(c[0]["platform"].(obj), "variant") }},
	},
	{
		name: "os.version lost in the index", rules: []error{ErrPlatform},
		push: push{platforms: []string{"windows(10.0.20348.1)/amd64"}, index: func(_ obj, c []obj) { delete(c[0]["platform"].(obj), "os.version") }},
	},
	{
		name: "config without a platform", rules: []error{ErrPlatform},
		push: push{config: func(_ int, c obj) { delete(c, "os"); delete(c, "architecture") }},
	},
	{
		name: "single manifest without a platform", rules: []error{ErrPlatform},
		push:  push{config: func(_ int, c obj) { delete(c, "architecture") }},
		after: func(_ *testing.T, f *fake, children []string) { f.manifests["1"] = f.manifests[children[0]] },
	},
	{
		name: "descriptor without a platform", rules: []error{ErrPlatform},
		push: push{platforms: []string{"linux/amd64"}, index: func(_ obj, c []obj) { delete(c[0], "platform") }},
	},
	{
		name: "duplicate", rules: []error{ErrDuplicate},
		push: push{platforms: []string{"linux/amd64", "linux/amd64", "linux/arm64"}},
	},
	{
		name: "duplicate by two spellings", rules: []error{ErrDuplicate},
		push: push{platforms: []string{"linux/arm64", "linux/arm64"}, index: func(_ obj, c []obj) { c[1]["platform"].(obj)["variant"] = "v8" }},
	},
	{name: "order of architectures", rules: []error{ErrOrder}, push: push{platforms: []string{"linux/arm64", "linux/amd64"}}},
	{name: "order of os", rules: []error{ErrOrder}, push: push{platforms: []string{"windows(10.0.1.1)/amd64", "linux/amd64"}}},
	{name: "order of variants", rules: []error{ErrOrder}, push: push{platforms: []string{"linux/arm/v7", "linux/arm/v6"}}},
	{
		name: "oldest os.version first", rules: []error{ErrOrder},
		push: push{platforms: []string{"windows(10.0.9.1)/amd64", "windows(10.0.10.1)/amd64"}},
	},
	{
		name: "order around an attestation", rules: []error{ErrOrder},
		push: push{platforms: []string{"linux/arm64", "unknown/unknown", "linux/amd64"}},
	},
}

var familySabotage = []sabotage{
	{
		name: "OCI child in a Docker list", rules: []error{ErrFamily},
		push: push{index: func(index obj, _ []obj) { index["mediaType"] = dockerList }},
	},
	{
		name: "annotations of a Docker list", rules: []error{ErrFamily},
		push: push{docker: true, index: func(index obj, _ []obj) { index["annotations"] = obj{"a": "b"} }},
	},
	{
		name: "annotations in a Docker list", rules: []error{ErrFamily},
		push: push{docker: true, index: func(_ obj, c []obj) { c[0]["annotations"] = obj{"a": "b"} }},
	},
}

var attestationSabotage = []sabotage{
	{
		name: "dangling attestation", rules: []error{ErrAttestation},
		push: attested(func(child obj) { child["annotations"].(obj)[referenceDigest] = digestOf(nil) }),
	},
	{
		name: "attestation about itself", rules: []error{ErrAttestation},
		push: attested(func(child obj) { child["annotations"].(obj)[referenceDigest] = child["digest"] }),
	},
	{
		name: "attestation that looks like an image", rules: []error{ErrAttestation},
		push: attested(func(child obj) { child["platform"] = obj{"os": "linux", "architecture": "s390x"} }),
	},
	{
		name: "unknown platform that is no attestation", rules: []error{ErrAttestation},
		push: attested(func(child obj) { delete(child["annotations"].(obj), referenceType) }),
	},
	{
		name: "attestation whose blob is damaged", rules: []error{ErrDigest, ErrUnpack},
		push: attested(nil),
		after: func(t *testing.T, f *fake, _ []string) {
			digest := layerDigest(t, "unknown/unknown")
			f.blobs[digest] = flip(f.blobs[digest])
		},
	},
}

func attested(spoil func(child obj)) push {
	return push{platforms: []string{"linux/amd64", "unknown/unknown"}, index: func(_ obj, children []obj) {
		if spoil != nil {
			spoil(children[1])
		}
	}}
}
