package archive

import (
	"encoding/json"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

// content is what an archive will hold.
type content struct {
	dir    *layout.Dir
	blobs  map[digest.Digest]ocispec.Descriptor
	images []ocispec.Manifest // of platforms, in order
}

// add collects a manifest and all that it refers to.
func (c *content) add(desc ocispec.Descriptor, depth int) error {
	if _, again := c.blobs[desc.Digest]; again {
		return nil
	}
	if depth == maxDepth {
		return invalid("more than %d manifests in one another", maxDepth)
	}
	c.blobs[desc.Digest] = desc
	raw, err := c.read(desc)
	if err != nil {
		return err
	}
	var m struct {
		ocispec.Manifest

		Manifests []ocispec.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return invalid("%s: %w", desc.Digest, err)
	}
	for _, child := range m.Manifests {
		if err := c.add(child, depth+1); err != nil {
			return err
		}
	}
	if m.Manifests != nil {
		return nil
	}
	if desc.Annotations[attests] == "" {
		c.images = append(c.images, m.Manifest)
	}
	for _, blob := range append([]ocispec.Descriptor{m.Config}, m.Layers...) {
		if !mediatype.IsForeign(blob.MediaType) {
			c.blobs[blob.Digest] = blob
		}
	}
	return nil
}

func (c *content) read(desc ocispec.Descriptor) ([]byte, error) {
	file, err := c.dir.Blob(desc.Digest)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(file, maxDocument+1))
	if err == nil && len(raw) > maxDocument {
		err = invalid("a document of more than %d bytes", maxDocument)
	}
	return raw, err
}

// saved is Docker's own list of the images. Names are given to a single one: of several an engine would take the last.
func (c *content) saved(index ocispec.Index) []savedName {
	all := make([]savedName, len(c.images))
	for i, m := range c.images {
		all[i].Config = blobName(m.Config.Digest)
		for _, layer := range m.Layers {
			all[i].Layers = append(all[i].Layers, blobName(layer.Digest))
		}
	}
	if len(all) != 1 {
		return all
	}
	for _, m := range index.Manifests {
		if name := m.Annotations[AnnotationName]; name != "" {
			all[0].RepoTags = append(all[0].RepoTags, name)
		}
	}
	return all
}

// savedName is an entry of manifest.json as it is written.
type savedName struct {
	Config   string
	RepoTags []string
	Layers   []string
}
