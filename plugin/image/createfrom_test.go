package image

import (
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// metadataOf is the file of a build that pushed one platform.
func metadataOf(names string, index digest.Digest, platform string, image digest.Digest) string {
	return fmt.Sprintf(`{"containerimage.digest":%q,"image.name":%q,"multiarch.version":1,"multiarch.platforms":{%q:{"digest":%q}}}`, index, names, platform, image)
}

func TestFilesThatAreNotUnderstood(t *testing.T) {
	t.Parallel()
	dgst := digest.FromString("x").String()
	for _, c := range []struct{ text, want string }{
		{"", "empty"},
		{"{", "unexpected end"},
		{"{}", "the build has to push"},
		{`{"image.name":"app:1"}`, "the build has to push"},
		{`{"containerimage.digest":"sha256:x","image.name":"app:1"}`, "invalid digest"},
		{`{"containerimage.digest":"` + dgst + `"}`, "image.name"},
		{`{"containerimage.digest":"` + dgst + `","image.name":"UPPER"}`, "image.name"},
		{`{"containerimage.digest":"` + dgst + `","image.name":"app:1,"}`, "image.name"},
		{`{"containerimage.digest":"` + dgst + `","image.name":"app:1","multiarch.version":2}`, "later version"},
		{`{"containerimage.digest":1}`, "cannot unmarshal"},
		{`{"target":{"containerimage.digest":"` + dgst + `"}}`, "the build has to push"},
		{"[]", "cannot unmarshal"},
		{"image: app:1", "no manifests"},
		{"image: app:1\nmanifest: []", "manifest"},
		{"image: app:1\nmanifests:\n- image: a\n  platforms: {}", "platforms"},
		{"manifests:\n- image: a", "no image"},
		{"image: UPPER\nmanifests:\n- image: a", "UPPER"},
		{"image: app:1\ntags: ['a b']\nmanifests:\n- image: a", "a b"},
		{"image: app:1\nmanifests:\n- image: UPPER", "manifest 1"},
		{"image: app:1\nmanifests:\n- image: a\n- image:", "manifest 2"},
		{"image: app:1\nmanifests:\n- image: a\n  platform: {os: linux}", "needs os and architecture"},
		{"image: app:1\nmanifests:\n- image: a\n  platform: {architecture: arm}", "needs os and architecture"},
		{"image: app:1\nmanifests:\n- image: a\n---\nimage: app:2", "more than one document"},
		{"\x00", "control characters"},
	} {
		_, err := parseFrom([]byte(c.text))
		assert.ErrorContains(t, err, c.want, "%q", c.text)
	}
	_, err := readFrom("-", strings.NewReader(strings.Repeat(" ", maxFromFile+1)))
	assert.ErrorContains(t, err, "more than")
	raw, err := readFrom("-", strings.NewReader("x"))
	assert.NilError(t, err)
	assert.Equal(t, string(raw), "x")
}

// What a file says is either refused or names sources that can be read.
func FuzzParseFrom(f *testing.F) {
	dgst := digest.FromString("x")
	f.Add([]byte(metadataOf("reg.example.com/app:1", dgst, "linux/amd64", dgst)))
	f.Add([]byte(metadataOf("app,b/c:2", dgst, "x", "")))
	f.Add([]byte("image: app:1\ntags: [a, b]\nannotations: {k: v}\nmanifests:\n- image: a\n  platform: {os: windows, architecture: amd64, os.version: 10.0.1.1, osfeatures: [x]}\n"))
	f.Add([]byte("image: app:1\nmanifests: &x\n- image: a\n- *x\n"))
	f.Add([]byte("a: &a [x,x]\nb: &b [*a,*a]\nimage: *b"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := parseFrom(raw)
		if err != nil {
			return
		}
		assert.Assert(t, len(file.sources) > 0)
		for _, s := range file.sources {
			assert.Assert(t, s.ref != nil)
			_, err := argument.Reference(s.ref.String())
			assert.NilError(t, err)
			assert.Assert(t, s.near(file.repository, file.targets).ref != nil)
			_, _ = s.choose(nil)
		}
	})
}

// An annotation is either refused or has a key.
func FuzzParseIndexAnnotation(f *testing.F) {
	for _, text := range []string{"a=b", "index:a=b", "manifest-descriptor[linux/amd64]:a=b", "manifest-descriptor[", "index[]:=", "[x]:y=z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseIndexAnnotation(text)
		if err == nil {
			assert.Assert(t, a.key != "" && strings.Contains(text, a.key+"="))
			assert.Assert(t, a.platform == nil || a.entries)
		}
	})
}
