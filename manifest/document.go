package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

// maxDescriptors bounds the requests that one document can make us send.
const maxDescriptors = 1000

func isAttestation(d ocispec.Descriptor) bool {
	return d.Annotations[annotationReferenceType] == attestationManifest
}

// document is an index or an image manifest, as parsed from the bytes that a registry holds.
type document struct {
	descriptor  ocispec.Descriptor
	manifests   []ocispec.Descriptor // of an index
	config      ocispec.Descriptor   // of an image manifest
	layers      []ocispec.Descriptor
	annotations map[string]string
	raw         []byte
}

func (d document) isIndex() bool { return mediatype.IsIndex(d.descriptor.MediaType) }

// parseDocument reads raw, which came with contentType. It takes nothing that two readers could understand differently:
// no key twice or in another case, no document with both manifests and layers, no media type that contradicts the header
// (CVE-2021-41190).
func parseDocument(contentType string, raw []byte) (document, error) {
	if len(raw) > maxManifest {
		return document{}, fmt.Errorf("more than %d bytes", maxManifest)
	}
	keys, err := topLevel(raw)
	if err != nil {
		return document{}, err
	}
	var body struct {
		MediaType   string               `json:"mediaType"`
		Config      *ocispec.Descriptor  `json:"config"`
		Layers      []ocispec.Descriptor `json:"layers"`
		Manifests   []ocispec.Descriptor `json:"manifests"`
		Annotations map[string]string    `json:"annotations"`
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return document{}, err
	}
	mediaType, err := documentType(contentType, body.MediaType)
	if err != nil {
		return document{}, err
	}
	doc := document{manifests: body.Manifests, layers: body.Layers, annotations: body.Annotations, raw: raw}
	doc.descriptor = describeRaw(mediaType, raw)
	hasIndex, hasImage := keys["manifests"], keys["layers"] || keys["config"] || keys["fslayers"]
	switch {
	case hasIndex && hasImage:
		return document{}, errors.New("both an index and an image manifest")
	case doc.isIndex() && !hasIndex, !doc.isIndex() && body.Config == nil:
		return document{}, fmt.Errorf("not what its media type %q says", mediaType)
	}
	if body.Config != nil {
		doc.config = *body.Config
	}
	return doc, doc.validate()
}

// documentType settles the media type. The header decides (OCI distribution spec, "Pulling manifests"); some registries
// and proxies send a general one, and then the document's own word counts.
func documentType(contentType, field string) (string, error) {
	header, _, err := mime.ParseMediaType(contentType)
	if err != nil || slices.Contains([]string{"application/json", "application/octet-stream", "text/plain"}, header) {
		header = field
	}
	if field != "" && field != header {
		return "", fmt.Errorf("media type %q in a document sent as %q", field, header)
	}
	if !mediatype.IsIndex(header) && !mediatype.IsManifest(header) {
		return "", fmt.Errorf("media type %q is neither an image manifest nor an index", header)
	}
	return header, nil
}

// spelling has the keys that are read here, by their lower-case form.
var spelling = map[string]string{
	"mediatype": "mediaType", "manifests": "manifests", "config": "config", "layers": "layers", "annotations": "annotations",
}

// topLevel gives the lower-cased keys of the JSON object raw. encoding/json takes keys in any case and the last of
// several; other readers don't.
func topLevel(raw []byte) (map[string]bool, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	keys := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string)
		lower := strings.ToLower(key)
		if keys[lower] {
			return nil, fmt.Errorf("key %q more than once", lower)
		}
		if want, ok := spelling[lower]; ok && key != want {
			return nil, fmt.Errorf("key %q for %q", key, want)
		}
		keys[lower] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func (d document) validate() error {
	all := slices.Concat(d.manifests, d.layers)
	if !d.isIndex() {
		all = append(all, d.config)
	}
	if len(all) > maxDescriptors {
		return fmt.Errorf("%d descriptors, more than %d", len(all), maxDescriptors)
	}
	var total int64
	for _, desc := range all {
		if err := validDescriptor(desc); err != nil {
			return err
		}
		if total += desc.Size; total < 0 {
			return errors.New("sizes overflow")
		}
	}
	return nil
}

// validDescriptor checks what goes into a URL or a sum later.
func validDescriptor(d ocispec.Descriptor) error {
	if err := d.Digest.Validate(); err != nil {
		return fmt.Errorf("digest %q: %w", d.Digest, err)
	}
	if d.Size < 0 {
		return fmt.Errorf("%s has the size %d", d.Digest, d.Size)
	}
	return nil
}

// verify tells whether raw is the content of dgst.
func verify(dgst digest.Digest, raw []byte) bool {
	return dgst.Validate() == nil && dgst.Algorithm().FromBytes(raw) == dgst
}
