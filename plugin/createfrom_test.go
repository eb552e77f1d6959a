package plugin

import (
	"fmt"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"
	"gotest.tools/v3/assert"
)

// metadataOf is the file of a build that pushed one platform.
func metadataOf(names string, index digest.Digest, platform string, image digest.Digest) string {
	return fmt.Sprintf(`{"containerimage.digest":%q,"image.name":%q,"multiarch.version":1,"multiarch.platforms":{%q:{"digest":%q}}}`, index, names, platform, image)
}

// A CI matrix: each run builds one platform, and the last joins them.
func TestCreateFromMetadataFiles(t *testing.T) {
	s, far := newShelf(t), newShelf(t)
	amd64, attestation, first := s.attested(t, "app:a", "linux/amd64")
	_, arm64 := s.image(t, "app:b", "linux/arm64")
	second := s.index(t, "app:ci", nil, s.entry(t, "app:b", nil))
	a := write(t, metadataOf(far.host+"/x:1,"+s.host+"/app:1", first, "linux/amd64", amd64))
	b := write(t, metadataOf(s.host+"/app:1,"+far.host+"/x:1", second, "linux/arm64", arm64))
	d := newDocker(t, "nobody", nil)
	want := map[string]digest.Digest{"linux|||amd64|": amd64, "linux|||arm64|": arm64, "unknown|||unknown|": attestation}

	assert.NilError(t, d.run(t, "create", "--from", a, "--from", b, "-t", s.host+"/app:2"))
	assert.DeepEqual(t, lines(s.listed(t, "app:2")), want)
	assert.Assert(t, !strings.Contains(d.err.String(), "Copying"), "the repository of the target is used: %s", d.err.String())

	// Without --tag the image that all files are for.
	a = write(t, metadataOf(s.host+"/app:1,"+s.host+"/app:1.0", first, "linux/amd64", amd64))
	b = write(t, metadataOf(s.host+"/app:1.0,"+s.host+"/app:1", second, "linux/arm64", arm64))
	assert.NilError(t, d.run(t, "create", "--from", a, "--from", b))
	assert.DeepEqual(t, lines(s.listed(t, "app:1")), want)
	assert.DeepEqual(t, lines(s.listed(t, "app:1.0")), want)

	c := write(t, metadataOf(s.host+"/app:3", second, "linux/arm64", arm64))
	err := d.run(t, "create", "--from", a, "--from", c)
	assert.Equal(t, exitCode(err), exitUsage)
	contains(t, err.Error(), "not for the same image", "--tag")

	// buildx pushes by digest and names a repository.
	x := write(t, fmt.Sprintf(`{"containerimage.digest":%q,"image.name":%q,"buildx.build.ref":"x/y/z"}`, second, s.host+"/app"))
	assert.NilError(t, d.run(t, "create", "--from", x, "-t", s.host+"/app:4"))
	assert.Equal(t, digest.FromBytes(s.get(t, "app:4")), second)
	err = d.run(t, "create", "--from", x)
	assert.Equal(t, exitCode(err), exitUsage, "no tag anywhere")

	lacks := write(t, strings.Replace(metadataOf(s.host+"/app:1", second, "linux/arm64", arm64), "{", `{"multiarch.missing":["linux/s390x"],`, 1))
	assert.NilError(t, d.run(t, "create", "--from", lacks, "-t", s.host+"/app:4"))
	contains(t, d.err.String(), "its build went without linux/s390x")

	// The chain of custody: the registry's index must hold what the build made.
	broken := write(t, metadataOf(s.host+"/app:1", second, "linux/arm64", digest.FromString("other")))
	err = d.run(t, "create", "--from", broken, "-t", s.host+"/app:5")
	assert.Equal(t, exitCode(err), exitUnverified, "%v", err)
	contains(t, err.Error(), "linux/arm64", digest.FromString("other").String())
	assert.Assert(t, s.get(t, "app:5") == nil)
}

func TestCreateFromSpec(t *testing.T) {
	s := newShelf(t)
	_, amd64 := s.image(t, "app:a", "linux/amd64")
	_, armv6 := s.image(t, "app:b", "linux/arm/v6")
	_, windows := s.image(t, "win:w", "windows/amd64", func(c *v1.ConfigFile) { c.OSVersion, c.OSFeatures = "10.0.20348.9", []string{"win32k"} })
	s.index(t, "app:all", nil, s.entry(t, "app:a", nil), s.entry(t, "app:b", nil))
	spec := func(manifests string) string {
		return "image: HOST/app:1\ntags: ['1.0', '1']\nannotations:\n  k: v\nmanifests:\n" + manifests
	}
	create := func(d *dockerLine, text string) error {
		return d.run(t, "create", "--from", write(t, strings.ReplaceAll(text, "HOST", s.host)))
	}
	d := newDocker(t, "nobody", nil)
	assert.NilError(t, create(d, spec(`
- image: HOST/app:all
  platform: {os: linux, architecture: amd64}
- image: HOST/app:b
  platform: {os: linux, architecture: arm}
- image: HOST/win:w
  platform:
    os: windows
    architecture: amd64
    os.version: 10.0.20348.9
    osfeatures: [win32k]
`)))
	for _, tag := range []string{"app:1", "app:1.0"} {
		index := s.listed(t, tag)
		assert.DeepEqual(t, lines(index), map[string]digest.Digest{"linux|||amd64|": amd64, "linux|||arm|v6": armv6, "windows|10.0.20348.9|win32k|amd64|": windows})
		assert.Equal(t, index.Annotations["k"], "v")
	}
	assert.Equal(t, strings.Count(d.out.String(), "\n"), 2)

	// An image is what its config says; a spec can't make it something else.
	for _, platform := range []string{
		"{os: linux, architecture: arm64}", "{os: linux, architecture: arm, variant: v7}", "{os: windows, architecture: amd64, os.version: 10.0.17763.1}",
		"{os: linux, architecture: amd64, os.version: '1'}", "{os: linux, architecture: amd64, os.features: [x]}",
	} {
		err := create(d, strings.ReplaceAll(spec("- image: HOST/app:all\n  platform: "+platform), "HOST/app:1\n", "HOST/app:x\n"))
		assert.Equal(t, exitCode(err), exitUnverified, "%s: %v", platform, err)
		contains(t, err.Error(), "lacks", "linux/amd64, linux/arm/v6")
	}
	assert.Assert(t, s.get(t, "app:x") == nil)
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
			_, err := parseReference(s.ref.String())
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
