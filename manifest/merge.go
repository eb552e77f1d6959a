package manifest

import (
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Merge joins the children of several sources. An image that several of them have counts once, with the attestation
// manifests of all.
func Merge(sources ...[]Child) []Child {
	var merged []Child
	for _, c := range slices.Concat(sources...) {
		i := slices.IndexFunc(merged, func(m Child) bool { return m.Descriptor.Digest == c.Descriptor.Digest })
		if i < 0 {
			c.Attestations = slices.Clone(c.Attestations)
			merged = append(merged, c)
			continue
		}
		for _, a := range c.Attestations {
			same := func(have ocispec.Descriptor) bool { return have.Digest == a.Digest }
			if !slices.ContainsFunc(merged[i].Attestations, same) {
				merged[i].Attestations = append(merged[i].Attestations, a)
			}
		}
	}
	return merged
}

// Overlay gives those of old that stay when fresh joins them: a child of fresh takes the place of the one for its
// platform. Two versions of Windows stand side by side; two patch levels of one (10.0.20348.2322 and 10.0.20348.2700)
// don't, the fresh one counts, even if it is older.
func Overlay(old, fresh []Child) (kept []Child) {
	taken := map[string]bool{}
	for _, c := range fresh {
		taken[placeOf(c)] = true
	}
	for _, c := range old {
		if !taken[placeOf(c)] {
			kept = append(kept, c)
		}
	}
	return kept
}

// placeOf is what the children of an index that grows by replacing must differ in.
func placeOf(c Child) string {
	p := ocispec.Platform{}
	if c.Descriptor.Platform != nil {
		p = *c.Descriptor.Platform
	}
	if parts := strings.Split(p.OSVersion, "."); p.OS == "windows" && len(parts) > 3 {
		p.OSVersion = strings.Join(parts[:3], ".")
	}
	return platformKey(p)
}
