package oracle

import (
	"encoding/json"
	"strings"
)

// The media types are written out here, not taken from the product or a library: the oracle must not learn them from what it judges.
const (
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	ociConfig      = "application/vnd.oci.image.config.v1+json"
	ociLayer       = "application/vnd.oci.image.layer."
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
	dockerLayer    = "application/vnd.docker.image.rootfs."
)

var manifestTypes = []string{ociIndex, dockerList, ociManifest, dockerManifest}

func isIndexType(mediaType string) bool { return mediaType == ociIndex || mediaType == dockerList }
func isManifestType(mediaType string) bool {
	return mediaType == ociManifest || mediaType == dockerManifest
}

// isTar tells a layer of an image from an attestation's, which is JSON.
func isTar(mediaType string) bool {
	return strings.HasPrefix(mediaType, ociLayer) || strings.HasPrefix(mediaType, dockerLayer)
}

// parts returns the types that a manifest's config and layers must have. Each family stays among itself: engines take a mixed
// manifest, but other clients do not.
func parts(manifestType string) (config, layerPrefix string) {
	if manifestType == dockerManifest {
		return dockerConfig, dockerLayer
	}
	return ociConfig, ociLayer
}

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
	Platform    *platform         `json:"platform"`
}

// document is an index or a manifest; which one it is, is a matter of its media type.
type document struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Manifests     []descriptor      `json:"manifests"`
	Config        *descriptor       `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Annotations   map[string]string `json:"annotations"`
}

type config struct {
	platform

	Config struct {
		Labels map[string]string `json:"Labels"`
	} `json:"config"`
	RootFS struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// document parses a manifest and checks that it is one thing only, and the thing it was sent as.
func (c *checker) document(where string, m Manifest) (document, bool) {
	var doc document
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(m.Raw, &keys); err != nil {
		c.report(where, ErrDocument, "parsing: %v", err)
		return doc, false
	}
	if err := json.Unmarshal(m.Raw, &doc); err != nil {
		c.report(where, ErrDocument, "parsing: %v", err)
		return doc, false
	}
	if doc.SchemaVersion != 2 {
		c.report(where, ErrDocument, "schemaVersion is %d, not 2", doc.SchemaVersion)
	}
	c.shape(where, m.MediaType, keys)
	// OCI lets a document leave its type out, Docker does not.
	if doc.MediaType != m.MediaType && (doc.MediaType != "" || m.MediaType == dockerList || m.MediaType == dockerManifest) {
		c.report(where, ErrMediaType, "it was sent as %q, but calls itself %q", m.MediaType, doc.MediaType)
	}
	return doc, isIndexType(m.MediaType) || isManifestType(m.MediaType)
}

// shape refuses a document that one client may read as an index and another as a manifest (CVE-2021-41190).
func (c *checker) shape(where, mediaType string, keys map[string]json.RawMessage) {
	var must, mustNot []string
	switch {
	case isIndexType(mediaType):
		must, mustNot = []string{"manifests"}, []string{"config", "layers", "fsLayers"}
	case isManifestType(mediaType):
		must, mustNot = []string{"config", "layers"}, []string{"manifests", "fsLayers"}
	default:
		c.report(where, ErrMediaType, "%q is neither an index nor an image manifest", mediaType)
	}
	for _, key := range must {
		if keys[key] == nil {
			c.report(where, ErrDocument, "%s has no %q", mediaType, key)
		}
	}
	for _, key := range mustNot {
		if keys[key] != nil {
			c.report(where, ErrDocument, "%s has %q", mediaType, key)
		}
	}
}
