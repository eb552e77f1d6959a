package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"text/template"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxTag is the longest tag that the distribution specification allows.
const maxTag = 128

// DefaultPlatformTag is the template of the per-platform tags when the user
// gives none. The version is in it for Windows only, where two of them can
// stand side by side in one index.
const DefaultPlatformTag = `{{.Tag}}-{{.OS}}{{with .OSVersion}}-{{.}}{{end}}-{{.Arch}}{{with .Variant}}-{{.}}{{end}}`

// TagTemplate makes the tag of one platform's image from the tag of the whole.
type TagTemplate struct{ template *template.Template }

// tagFields are what a template may use.
type tagFields struct{ Tag, OS, OSVersion, Arch, Variant string }

// NewTagTemplate reads a template with the fields .Tag, .OS, .OSVersion
// (Windows only), .Arch and .Variant.
func NewTagTemplate(text string) (TagTemplate, error) {
	t, err := template.New("platform-tag").Option("missingkey=error").Parse(text)
	if err != nil {
		return TagTemplate{}, fmt.Errorf("reading platform tag template: %w", err)
	}
	tt := TagTemplate{t}
	_, err = tt.Tag(mustTag("example.com/app:1"), ocispec.Platform{OS: "linux", Architecture: "amd64"})
	return tt, err
}

// Tag returns the reference of target's image for platform p. A tag longer
// than 128 characters is cut and given a hash of the whole, so that it stays
// unique.
func (t TagTemplate) Tag(target reference.NamedTagged, p ocispec.Platform) (reference.NamedTagged, error) {
	fields := tagFields{Tag: target.Tag(), OS: p.OS, Arch: p.Architecture, Variant: p.Variant}
	if p.OS == "windows" {
		fields.OSVersion = p.OSVersion
	}
	var b strings.Builder
	if err := t.template.Execute(&b, fields); err != nil {
		return nil, fmt.Errorf("making platform tag: %w", err)
	}
	tag := b.String()
	if len(tag) > maxTag {
		sum := sha256.Sum256([]byte(tag))
		suffix := "-" + hex.EncodeToString(sum[:6])
		tag = tag[:maxTag-len(suffix)] + suffix
	}
	tagged, err := reference.WithTag(reference.TrimNamed(target), tag)
	if err != nil {
		return nil, fmt.Errorf("making platform tag %q: %w", tag, err)
	}
	return tagged, nil
}

func mustTag(s string) reference.NamedTagged {
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		panic(err)
	}
	return named.(reference.NamedTagged) //nolint:forcetypeassert // a constant
}
