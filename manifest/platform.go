package manifest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// normalize is platforms.Normalize, except that an operating system left out stays so: containerd would fill in the
// client's own, which says nothing about an image.
func normalize(p ocispec.Platform) ocispec.Platform {
	missing := p.OS == ""
	p = platforms.Normalize(p)
	if missing {
		p.OS = ""
	}
	return p
}

// platformKey is what must be different between the images of an index.
func platformKey(p ocispec.Platform) string {
	p = normalize(p)
	p.OSFeatures = nil
	return platforms.FormatAll(p)
}

// known tells whether p says what an image runs on. Attestation manifests have unknown/unknown.
func known(p *ocispec.Platform) bool {
	return p != nil && p.OS != "" && p.OS != "unknown" && p.Architecture != "" && p.Architecture != "unknown"
}

// comparePlatforms orders by os, architecture and variant, and then puts the newest os.version first, because Windows
// takes the first entry that its version can run.
func comparePlatforms(a, b ocispec.Platform) int {
	return cmp.Or(
		cmp.Compare(a.OS, b.OS),
		cmp.Compare(a.Architecture, b.Architecture),
		cmp.Compare(a.Variant, b.Variant),
		compareVersions(b.OSVersion, a.OSVersion),
	)
}

// compareVersions compares dotted versions number by number, so that 10.0.9 is older than 10.0.10.
func compareVersions(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, errM := strconv.ParseUint(x, 10, 64)
		n, errN := strconv.ParseUint(y, 10, 64)
		if errM == nil && errN == nil {
			return cmp.Or(cmp.Compare(m, n), cmp.Compare(x, y))
		}
		return cmp.Compare(x, y)
	})
}
