package image

import (
	"cmp"
	"slices"
	"time"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/node"
)

// inspectView is what inspect shows; its JSON is a documented interface.
type inspectView struct {
	Reference   string            `json:"reference"`
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Platforms   []platformView    `json:"platforms"`

	showNodes bool
}

// platformView is one platform of an image.
type platformView struct {
	Platform string `json:"platform"`
	// Listed is what the index says the image is for, if that is something else.
	Listed    string `json:"listed,omitempty"`
	OSVersion string `json:"osVersion,omitempty"`
	Digest    string `json:"digest"`
	// Size is the compressed size in bytes of config and layers.
	Size         int64 `json:"size"`
	Layers       int   `json:"layers"`
	Attestations int   `json:"attestations"`
	// Attested are the kinds of attestations: sbom, provenance, or another type of
	// predicate.
	Attested   []string   `json:"attested,omitempty"`
	Created    *time.Time `json:"created,omitempty"`
	Base       string     `json:"base,omitempty"`
	BaseDigest string     `json:"baseDigest,omitempty"`
	// Annotations are those of the image manifest, and of its entry in the index.
	Annotations      map[string]string `json:"annotations,omitempty"`
	EntryAnnotations map[string]string `json:"entryAnnotations,omitempty"`
	Nodes            []string          `json:"nodes,omitempty"`
	// Verified is what --verify found: fits, foreign or unknown.
	Verified string `json:"verified,omitempty"`
	// LayerList is there with --layers.
	LayerList []layerView `json:"layerList,omitempty"`

	reference string
}

// layerView is one layer, from the base up.
type layerView struct {
	Digest    digest.Digest `json:"digest"`
	Size      int64         `json:"size"`
	MediaType string        `json:"mediaType"`
}

func newInspectView(f *inspected, nodes contexts.Nodes, in *inspectInput) inspectView {
	view := inspectView{
		Reference: f.Reference, MediaType: f.Descriptor.MediaType, Digest: f.Descriptor.Digest.String(),
		Annotations: cleanMap(f.Annotations), Platforms: []platformView{}, showNodes: in.nodes,
	}
	for _, image := range f.chosen {
		p := newPlatformView(image, f)
		if own := image.Descriptor.Platform; own != nil {
			p.Nodes = node.Names(slices.DeleteFunc(nodes.Best(*own), func(n *contexts.Node) bool {
				return n.Match(*own) != contexts.Native
			}))
		}
		if in.layers {
			for _, l := range image.Layers {
				p.LayerList = append(p.LayerList, layerView{Digest: l.Digest, Size: l.Size, MediaType: progress.Clean(l.MediaType)})
			}
		}
		view.Platforms = append(view.Platforms, p)
	}
	return view
}

func newPlatformView(image manifest.Child, f *inspected) platformView {
	p := platformView{
		Platform: "not an image", Listed: misListed(image), Digest: image.Descriptor.Digest.String(), Size: image.Size,
		Layers: len(image.Layers), Attestations: len(image.Attestations), Attested: f.attested[image.Descriptor.Digest],
		Verified:         f.verdicts[image.Descriptor.Digest],
		EntryAnnotations: cleanMap(image.Descriptor.Annotations), reference: f.Reference,
	}
	if own := image.Descriptor.Platform; own != nil {
		p.Platform, p.OSVersion = progress.Clean(platforms.FormatAll(*own)), progress.Clean(own.OSVersion)
	}
	if image.Created != nil && image.Created.Unix() > 0 { // what is reproducible is often built "in 1970"
		p.Created = image.Created
	}
	if len(f.Images) != 1 || f.Images[0].Descriptor.Digest != f.Descriptor.Digest {
		p.Annotations = cleanMap(image.Annotations) // of a single image they are the view's
	}
	for key, base := range map[string]*string{ocispec.AnnotationBaseImageName: &p.Base, ocispec.AnnotationBaseImageDigest: &p.BaseDigest} {
		*base = progress.CleanLine(cmp.Or(image.Annotations[key], image.Descriptor.Annotations[key], f.Annotations[key]))
	}
	return p
}

// cleanMap makes the annotations of a registry fit for a terminal.
func cleanMap(annotations map[string]string) map[string]string {
	if len(annotations) == 0 {
		return nil
	}
	cleaned := make(map[string]string, len(annotations))
	for key, value := range annotations {
		cleaned[progress.Clean(key)] = progress.Clean(value)
	}
	return cleaned
}
