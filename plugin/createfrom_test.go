package plugin

import (
	"fmt"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
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
	assert.Assert(t, !strings.Contains(d.Err.String(), "Copying"), "the repository of the target is used: %s", d.Err.String())

	// Without --tag the image that all files are for.
	a = write(t, metadataOf(s.host+"/app:1,"+s.host+"/app:1.0", first, "linux/amd64", amd64))
	b = write(t, metadataOf(s.host+"/app:1.0,"+s.host+"/app:1", second, "linux/arm64", arm64))
	assert.NilError(t, d.run(t, "create", "--from", a, "--from", b))
	assert.DeepEqual(t, lines(s.listed(t, "app:1")), want)
	assert.DeepEqual(t, lines(s.listed(t, "app:1.0")), want)

	c := write(t, metadataOf(s.host+"/app:3", second, "linux/arm64", arm64))
	err := d.run(t, "create", "--from", a, "--from", c)
	assert.Equal(t, exitCode(err), exitUsage)
	plugintest.Contains(t, err.Error(), "not for the same image", "--tag")

	// buildx pushes by digest and names a repository.
	x := write(t, fmt.Sprintf(`{"containerimage.digest":%q,"image.name":%q,"buildx.build.ref":"x/y/z"}`, second, s.host+"/app"))
	assert.NilError(t, d.run(t, "create", "--from", x, "-t", s.host+"/app:4"))
	assert.Equal(t, digest.FromBytes(s.get(t, "app:4")), second)
	err = d.run(t, "create", "--from", x)
	assert.Equal(t, exitCode(err), exitUsage, "no tag anywhere")

	lacks := write(t, strings.Replace(metadataOf(s.host+"/app:1", second, "linux/arm64", arm64), "{", `{"multiarch.missing":["linux/s390x"],`, 1))
	assert.NilError(t, d.run(t, "create", "--from", lacks, "-t", s.host+"/app:4"))
	plugintest.Contains(t, d.Err.String(), "its build went without linux/s390x")

	// The chain of custody: the registry's index must hold what the build made.
	broken := write(t, metadataOf(s.host+"/app:1", second, "linux/arm64", digest.FromString("other")))
	err = d.run(t, "create", "--from", broken, "-t", s.host+"/app:5")
	assert.Equal(t, exitCode(err), exitUnverified, "%v", err)
	plugintest.Contains(t, err.Error(), "linux/arm64", digest.FromString("other").String())
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
	assert.Equal(t, strings.Count(d.Out.String(), "\n"), 2)

	// An image is what its config says; a spec can't make it something else.
	for _, platform := range []string{
		"{os: linux, architecture: arm64}", "{os: linux, architecture: arm, variant: v7}", "{os: windows, architecture: amd64, os.version: 10.0.17763.1}",
		"{os: linux, architecture: amd64, os.version: '1'}", "{os: linux, architecture: amd64, os.features: [x]}",
	} {
		err := create(d, strings.ReplaceAll(spec("- image: HOST/app:all\n  platform: "+platform), "HOST/app:1\n", "HOST/app:x\n"))
		assert.Equal(t, exitCode(err), exitUnverified, "%s: %v", platform, err)
		plugintest.Contains(t, err.Error(), "lacks", "linux/amd64, linux/arm/v6")
	}
	assert.Assert(t, s.get(t, "app:x") == nil)
}
