package manifest

import (
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
