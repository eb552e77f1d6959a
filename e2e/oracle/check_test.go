package oracle

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

var linuxThree = []string{"linux/amd64", "linux/arm/v7", "linux/arm64"}

func TestCheckAcceptsWhatIsRight(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		push push
		want Want
	}{
		{"OCI index", push{platforms: linuxThree}, Want{Platforms: linuxThree, MediaType: ociIndex}},
		{"Docker manifest list", push{platforms: linuxThree, docker: true}, Want{Platforms: linuxThree, MediaType: dockerList}},
		{"nothing asked for", push{platforms: linuxThree}, Want{}},
		{
			"two Windows versions, newest first",
			push{platforms: []string{"linux/386", "windows(10.0.20348.1)/amd64", "windows(10.0.17763.6)/amd64"}},
			Want{Platforms: []string{"linux/386", "windows(10.0.20348.1)/amd64", "windows(10.0.17763.6)/amd64"}},
		},
		{
			"an attestation is no platform",
			push{platforms: []string{"linux/amd64", "unknown/unknown", "linux/arm64"}},
			Want{Platforms: []string{"linux/amd64", "linux/arm64"}},
		},
		{
			"the default variant may be spelled out or left out", push{
				platforms: []string{"linux/arm/v7", "linux/arm64"},
				config:    func(_ int, c obj) { c["variant"] = map[any]any{"arm": "v7", "arm64": "v8"}[c["architecture"]] },
				index:     func(_ obj, children []obj) { delete(children[0]["platform"].(obj), "variant") },
			}, Want{Platforms: []string{"linux/arm", "linux/arm64/v8"}},
		},
		{
			"an OCI manifest need not name its type",
			push{platforms: linuxThree, manifest: func(_ int, m obj) { delete(m, "mediaType") }},
			Want{Platforms: linuxThree},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, registry := newFake(t)
			digests := tc.push.to(t, f)
			byTag, err := registry.Check(t.Context(), repo, "1", tc.want)
			assert.NilError(t, err)
			assert.Check(t, is.Len(byTag.Children, len(digests)))
			byDigest, err := registry.Check(t.Context(), repo, byTag.Digest, tc.want)
			assert.NilError(t, err)
			assert.Check(t, is.Equal(string(byDigest.Raw), string(byTag.Raw)))
		})
	}
}

func TestCheckTellsWhatItFound(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	digests := push{platforms: []string{"linux/amd64", "unknown/unknown"}}.to(t, f)
	image, err := registry.Check(t.Context(), repo, "1", Want{})
	assert.NilError(t, err)
	assert.Check(t, is.Equal(image.Digest, digestOf(f.manifests["1"].raw)))
	child := image.Children[0]
	assert.Check(t, is.Equal(child.Platform, "linux/amd64"))
	assert.Check(t, is.Equal(child.Digest, digests[0]))
	assert.Check(t, is.Equal(child.MediaType, ociManifest))
	assert.Check(t, is.Equal(child.ConfigDigest, digestOf(child.Config)))
	assert.Check(t, is.DeepEqual(child.Labels, map[string]string{"for": "linux/amd64"}))
	assert.Check(t, is.Len(child.Layers, 2))
	assert.Check(t, is.Equal(child.Layers[0].DiffID, digestOf(tarOf(t, "bin/sh", "the same everywhere"))))
	assert.Check(t, image.Children[1].Attestation)
	assert.Check(t, is.Equal(image.Children[1].Subject, digests[0]))
}

func TestCheckTakesASingleManifest(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	digests := push{platforms: []string{"linux/arm64"}}.to(t, f)
	f.manifests["one"] = f.manifests[digests[0]]
	image, err := registry.Check(t.Context(), repo, "one", Want{Platforms: []string{"linux/arm64"}, MediaType: ociManifest})
	assert.NilError(t, err)
	assert.Check(t, is.Len(image.Children, 1))
	assert.Check(t, is.Equal(image.Children[0].Digest, digests[0]))

	_, err = registry.Check(t.Context(), repo, "one", Want{Platforms: []string{"linux/amd64"}, MediaType: ociIndex})
	assert.Check(t, is.DeepEqual(broken(err), []string{ErrWanted.Error()}))
}

func TestCheckSaysThatThereIsNoTag(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	_, err := registry.Check(t.Context(), repo, "1", Want{})
	assert.Check(t, is.ErrorIs(err, ErrNoTag))
	_, err = registry.Check(t.Context(), repo, digestOf(nil), Want{})
	assert.Check(t, is.ErrorIs(err, ErrMissing))
	f.status = http.StatusServiceUnavailable
	_, err = registry.Check(t.Context(), repo, "1", Want{})
	assert.Check(t, is.ErrorContains(err, "503"))
}

func TestCheckReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	push{platforms: []string{"linux/arm64", "linux/amd64"}, config: func(i int, c obj) {
		if i == 0 {
			c["architecture"] = "amd64"
		}
	}}.to(t, f)
	delete(f.blobs, layerDigest(t, "linux/amd64"))
	_, err := registry.Check(t.Context(), repo, "1", Want{Platforms: linuxThree})
	assert.Check(t, is.DeepEqual(broken(err), sorted(ErrPlatform, ErrOrder, ErrMissing, ErrWanted)))
	assert.Check(t, is.ErrorContains(err, "child linux/arm64 sha256:"))
}

// broken lists the rules that an error says are broken, each once and sorted. A request that failed has no rule, and appears as
// its text.
func broken(err error) []string {
	var rules []string
	var walk func(error)
	walk = func(err error) {
		violated, isOne := err.(*ViolationError) //nolint:errorlint // The walk itself unwraps.
		switch wrapper := err.(type) {           //nolint:errorlint // The walk itself unwraps.
		case nil:
		case interface{ Unwrap() []error }:
			for _, inner := range wrapper.Unwrap() {
				walk(inner)
			}
		default:
			if isOne {
				rules = append(rules, violated.Rule.Error())
			} else if inner := errors.Unwrap(err); inner != nil {
				walk(inner)
			} else {
				rules = append(rules, err.Error())
			}
		}
	}
	walk(err)
	slices.Sort(rules)
	return slices.Compact(rules)
}

func sorted(rules ...error) []string {
	var names []string
	for _, rule := range rules {
		names = append(names, rule.Error())
	}
	slices.Sort(names)
	return names
}

// layerDigest is the digest of the second layer of the child for a platform, which no other child has.
func layerDigest(t *testing.T, platform string) string {
	t.Helper()
	return digestOf(gzipped(t, tarOf(t, "etc/platform", platform)))
}

func TestViolationNamesPlace(t *testing.T) {
	t.Parallel()
	text := violation("child linux/arm64, layer 2", ErrSize, "it is %d", 3).Error()
	assert.Check(t, is.Equal(text, "child linux/arm64, layer 2: wrong size: it is 3"))
	assert.Check(t, !strings.Contains(ErrSize.Error(), ":"))
}
