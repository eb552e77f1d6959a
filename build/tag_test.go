package build

import (
	"strings"
	"testing"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

func TestPlatformTag(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ template, target, platform, want string }{
		{"", "app", "linux/amd64", "app:latest-linux-amd64"},
		{"", "app:1", "linux/amd64", "app:1-linux-amd64"},
		{"", "app:1", "linux/arm64", "app:1-linux-arm64"},
		{"", "app:1", "linux/arm/v7", "app:1-linux-arm-v7"},
		{"", "app:1", "linux/amd64/v3", "app:1-linux-amd64-v3"},
		{"", "localhost:5000/a/b:v1.2.3", "linux/s390x", "localhost:5000/a/b:v1.2.3-linux-s390x"},
		{"", "app:1", "windows/amd64", "app:1-windows-amd64"},
		{"", "app:1", "windows(10.0.20348.2322)/amd64", "app:1-windows-10.0.20348.2322-amd64"},
		{"{{.Tag}}_{{.Arch}}", "app:1", "linux/arm/v7", "app:1_arm"},
		{"{{.OS}}{{.OSVersion}}", "app:1", "windows(10.0.20348.2322)/amd64", "app:windows10.0.20348.2322"},
		{"{{.Variant}}x", "app:1", "linux/arm/v7", "app:v7x"},
		{"fixed", "app:1", "linux/arm/v7", "app:fixed"},
	} {
		t.Run(c.target+" "+c.platform+" "+c.template, func(t *testing.T) {
			t.Parallel()
			named, err := reference.ParseNormalizedNamed(c.target)
			assert.NilError(t, err)
			tag, err := newTemplate(t, c.template).Tag(reference.TagNameOnly(named).(reference.NamedTagged), parse(c.platform))
			assert.NilError(t, err)
			assert.Equal(t, reference.FamiliarString(tag), c.want)
		})
	}
}

func TestTheVersionOfALinuxIsInNoTag(t *testing.T) {
	t.Parallel()
	p := ocispec.Platform{OS: "linux", Architecture: "amd64", OSVersion: "12"}
	tag, err := newTemplate(t, "").Tag(mustTag("example.com/app:1"), p)
	assert.NilError(t, err)
	assert.Equal(t, tag.Tag(), "1-linux-amd64")
}

func TestATargetWithADigestGivesATagWithoutOne(t *testing.T) {
	t.Parallel()
	named, err := reference.ParseNormalizedNamed("example.com/app:1@sha256:" + strings.Repeat("a", 64))
	assert.NilError(t, err)
	tag, err := newTemplate(t, "").Tag(named.(reference.NamedTagged), parse("linux/amd64"))
	assert.NilError(t, err)
	assert.Equal(t, tag.String(), "example.com/app:1-linux-amd64")
}

func TestALongTagIsCutAndStaysUnique(t *testing.T) {
	t.Parallel()
	tt := newTemplate(t, "")
	seen := map[string]string{}
	for _, length := range []int{100, 115, 116, 117, 120, 128} {
		// Two tags that differ at their very end alone.
		for _, last := range []string{"a", "b"} {
			for _, platform := range []string{"linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6"} {
				target := "example.com/app:" + strings.Repeat("t", length-1) + last
				tag, err := tt.Tag(mustTag(target), parse(platform))
				assert.NilError(t, err)
				assert.Assert(t, len(tag.Tag()) <= 128, tag.Tag())
				from := target + " " + platform
				other, taken := seen[tag.String()]
				assert.Assert(t, !taken, "%s and %s are both %s", from, other, tag)
				seen[tag.String()] = from

				again, err := tt.Tag(mustTag(target), parse(platform))
				assert.NilError(t, err)
				assert.Equal(t, again.String(), tag.String(), "a later build must find it again")
			}
		}
	}
	tag, err := tt.Tag(mustTag("example.com/app:"+strings.Repeat("t", 116)), parse("linux/amd64"))
	assert.NilError(t, err)
	assert.Equal(t, tag.Tag(), strings.Repeat("t", 116)+"-linux-amd64", "128 characters are allowed")
}

func TestATemplateThatMakesNoTagIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "{{", "{{.Tag", "{{.Nope}}", "{{.Tag}}/{{.Arch}}", "{{.Tag}}:{{.Arch}}", "-{{.Tag}}", ".{{.Tag}}", "{{.Tag}} {{.OS}}",
		"{{.Tag}}@sha256", "{{nope .Tag}}", "{{.Variant}}", "{{range .Tag}}{{end}}", "ä{{.Tag}}", "{{.Tag}}\n", `{{template "x"}}`,
	} {
		_, err := NewTagTemplate(text)
		assert.ErrorContains(t, err, "platform tag", "%q", text)
	}
}
