//go:build e2e && e2e_arm

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// fourArchitectures are the platforms of four engines, each its own, and what Go calls them.
var fourArchitectures = []struct {
	engine         engine
	platform, arch string
}{
	{"i386", "linux/386", "386"}, {"amd64", "linux/amd64", "amd64"}, {"armhf", "linux/arm/v7", "arm"}, {"arm64", "linux/arm64", "arm64"},
}

const fourPlatforms = "linux/386,linux/amd64,linux/arm/v7,linux/arm64"

// ownProgram is a test that the image's program was compiled for the image. An engine under emulation runs programs for amd64 too, so
// that the program runs is not enough there.
func ownProgram(platform, arch string) string {
	return fmt.Sprintf(`%s:test "$(/app 2>&1)" = %s`, platform, arch)
}

// A good image passes check, verify and test on four architectures.
func TestFourArchitecturesFit(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, "amd64", "i386", "arm64", "armhf")
	dir := s.dir("ARG TARGETARCH", "COPY app-$TARGETARCH /app", `ENTRYPOINT ["/app"]`)
	args, fit := []string{"--platform", fourPlatforms, "--verify=strict"}, map[string]string{}
	for _, a := range fourArchitectures {
		addProgram(t, dir, "app-"+a.arch, a.arch)
		args = append(args, "--test", ownProgram(a.platform, a.arch))
		fit[a.platform] = "fits"
	}
	s.docker("multiarch", "check", "--strict", "--platform", fourPlatforms, dir).succeeded()

	r := s.push(append(args, dir)...).succeeded()

	want := oracle.Want{Platforms: strings.Split(fourPlatforms, ","), MediaType: dockerList}
	assert.Equal(t, published(t, openRegistry(), s.repo, tag, want).Digest, digestOf(t, r, s.ref()))
	assert.Assert(t, !strings.Contains(r.stderr, "Warning"), "%s", r)
	assert.DeepEqual(t, verdicts(t, s.inspect("--verify=strict", "--format", "json", s.ref()).succeeded()), fit)
	assert.DeepEqual(t, s.containers(), []string(nil))
}

// A program for amd64 in the image of another architecture is noticed in the build context, in the image and by running it, and then
// nothing is published.
func TestFourArchitecturesForeignProgram(t *testing.T) {
	t.Parallel()
	for _, a := range fourArchitectures {
		if a.arch == "amd64" {
			continue
		}
		t.Run(string(a.engine), func(t *testing.T) {
			t.Parallel()
			s := newNodeScene(t, string(a.engine))
			dir := s.dir("COPY app /app", `ENTRYPOINT ["/app"]`)
			addProgram(t, dir, "app", "amd64")
			who := a.platform + " on " + string(a.engine)

			r := s.docker("multiarch", "check", "--platform", a.platform, "--format", "json", dir)
			assert.Equal(t, r.code, 4, "%s", r)
			assert.DeepEqual(t, r.checked().rules(), []string{"BinaryOfOnePlatform"})
			s.push("--platform", a.platform, dir).failed(4, who+": verify: ", "entrypoint /app is ELF for amd64")
			s.push("--platform", a.platform, "--verify=off", "--test", ownProgram(a.platform, a.arch), dir).failed(1, who+": test: ")

			s.unharmed()
			assert.DeepEqual(t, s.containers(), []string(nil))
		})
	}
}

// A base image for amd64 alone is noticed for each of the others before anything is built.
func TestFourArchitecturesForeignBase(t *testing.T) {
	t.Parallel()
	c, repo := newClient(t), repository(t)
	writeTo(t, repo).image("one", "amd64")
	dir := files{"Dockerfile": "FROM " + farm.registry + "/" + repo + ":one\nCMD [\"/app\"]\n"}.dir(t)

	r := c.docker("multiarch", "check", "--platform", fourPlatforms, "--format", "json", dir)

	assert.Equal(t, r.code, 4, "%s", r)
	assert.Equal(t, strings.Join(r.checked().rules(), " "), "BaseLacksPlatform BaseLacksPlatform BaseLacksPlatform")
	assert.DeepEqual(t, r.checked().Bases[0].Has, map[string]string{"linux/386": "no", "linux/amd64": "yes", "linux/arm/v7": "no", "linux/arm64": "no"})
}
