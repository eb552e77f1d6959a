package manifest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

const someDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

var someDescriptor = `{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"` + someDigest + `","size":1}`

func TestParseDocument(t *testing.T) {
	t.Parallel()
	image := `{"schemaVersion":2,"config":` + someDescriptor + `,"layers":[` + someDescriptor + `]}`
	for _, contentType := range []string{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageManifest + "; charset=utf-8", mediatype.DockerManifest} {
		doc, err := parseDocument(contentType, []byte(image))
		assert.NilError(t, err)
		assert.Assert(t, !doc.isIndex())
		assert.Equal(t, len(doc.layers), 1)
		assert.Equal(t, doc.descriptor.Digest, digest.FromString(image))
	}
	doc, err := parseDocument("application/json", []byte(`{"mediaType":"`+mediatype.DockerList+`","manifests":[]}`))
	assert.NilError(t, err, "some registries send a general content type")
	assert.Assert(t, doc.isIndex())
}

func TestParseDocumentRefuses(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(someDescriptor+",", maxDescriptors) + someDescriptor
	huge := strings.Replace(someDescriptor, `"size":1`, `"size":9223372036854775807`, 1)
	for _, c := range []struct{ name, contentType, raw, text string }{
		{"both", ocispec.MediaTypeImageIndex, `{"manifests":[],"layers":[]}`, "both an index and an image"},
		{"both, empty", ocispec.MediaTypeImageIndex, `{"manifests":[],"config":null}`, "both an index and an image"},
		{"both, in capitals", ocispec.MediaTypeImageIndex, `{"manifests":[],"Layers":[]}`, `key "Layers"`},
		{"same key twice", ocispec.MediaTypeImageIndex, `{"manifests":[],"manifests":[]}`, "more than once"},
		{"same key twice, escaped", ocispec.MediaTypeImageIndex, `{"manifests":[],"\u006danifests":[]}`, "more than once"},
		{"other media type", ocispec.MediaTypeImageIndex, `{"mediaType":"` + mediatype.DockerList + `","manifests":[]}`, "sent as"},
		{"index sent as image", ocispec.MediaTypeImageManifest, `{"manifests":[]}`, "not what its media type"},
		{"image sent as index", ocispec.MediaTypeImageIndex, `{"config":` + someDescriptor + `}`, "not what its media type"},
		{"schema 1", "application/vnd.docker.distribution.manifest.v1+prettyjws", `{"fsLayers":[]}`, "neither an image manifest nor an index"},
		{"a page", "text/html", `<html>`, "not a JSON object"},
		{"nothing said", "", `{"manifests":[]}`, "neither an image manifest nor an index"},
		{"an array", ocispec.MediaTypeImageIndex, `[]`, "not a JSON object"},
		{"rest after the end", ocispec.MediaTypeImageIndex, `{"manifests":[]}{}`, "after top-level value"},
		{"cut off", ocispec.MediaTypeImageIndex, `{"manifests":[`, "unexpected EOF"},
		{"path as digest", ocispec.MediaTypeImageIndex, `{"manifests":[{"digest":"sha256:../../../x","size":1}]}`, "digest"},
		{"no digest", ocispec.MediaTypeImageIndex, `{"manifests":[{"size":1}]}`, "digest"},
		{"negative size", ocispec.MediaTypeImageIndex, `{"manifests":[{"digest":"` + someDigest + `","size":-1}]}`, "size -1"},
		{"sizes overflow", ocispec.MediaTypeImageIndex, `{"manifests":[` + huge + `,` + someDescriptor + `]}`, "overflow"},
		{"too many", ocispec.MediaTypeImageIndex, `{"manifests":[` + many + `]}`, "1001 descriptors"},
		{"too large", ocispec.MediaTypeImageIndex, `{"manifests":[]` + strings.Repeat(" ", maxManifest) + `}`, fmt.Sprint(maxManifest)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := parseDocument(c.contentType, []byte(c.raw))
			assert.ErrorContains(t, err, c.text)
		})
	}
}

func TestErrorTextIsCleanAndBounded(t *testing.T) {
	t.Parallel()
	err := &Error{Op: "reading", Reference: "r:1", Class: ErrUnavailable, Attempts: 6, Err: errors.New(
		"a\x1b]0;title\x07b\r\nc\u202ed\u200be\x9b" + string([]byte{0xff}) + strings.Repeat("x", 10_000))}
	text := err.Error()
	assert.Assert(t, strings.HasPrefix(text, "reading r:1: unavailable after 6 attempts: a]0;titleb  cde\uFFFD"), "%q", text)
	assert.Assert(t, len(text) < maxErrorText+100)

	err.Err = errors.New(`Get "https://s3.example/x?X-Amz-Signature=canary&b": refused`)
	assert.Equal(t, err.Error(), `reading r:1: unavailable after 6 attempts: Get "https://s3.example/x?…": refused`)
}

// FuzzIndex feeds documents as a hostile registry could send them: no panic, and whatever is accepted is within bounds,
// is one thing only, and has digests and sizes that are safe in URLs and sums.
func FuzzIndex(f *testing.F) {
	for _, c := range []string{ocispec.MediaTypeImageIndex, ocispec.MediaTypeImageManifest, "application/json", "text/html; x"} {
		f.Add(c, []byte(`{"schemaVersion":2,"mediaType":"`+c+`","manifests":[`+someDescriptor+`],"annotations":{"a":"b"}}`))
		f.Add(c, []byte(`{"schemaVersion":2,"config":`+someDescriptor+`,"layers":[`+someDescriptor+`,null]}`))
		f.Add(c, []byte(`{"manifests":[],"Layers":{}}`))
	}
	f.Fuzz(func(t *testing.T, contentType string, raw []byte) {
		doc, err := parseDocument(contentType, raw)
		if err != nil {
			_ = (&Error{Op: "reading", Err: err}).Error()
			return
		}
		if doc.isIndex() && (doc.layers != nil || doc.config.Digest != "") || !doc.isIndex() && doc.manifests != nil {
			t.Fatalf("both an index and an image: %q", raw)
		}
		images, attestations, other := split(doc.manifests)
		n := len(images) + len(other)
		for _, a := range attestations {
			n += len(a)
		}
		if n != len(doc.manifests) || n > maxDescriptors {
			t.Fatalf("%d of %d manifests sorted: %q", n, len(doc.manifests), raw)
		}
		for _, d := range append(doc.manifests, doc.layers...) {
			if strings.ContainsAny(string(d.Digest), "/?#.") || d.Size < 0 {
				t.Fatalf("descriptor %+v in %q", d, raw)
			}
		}
	})
}
