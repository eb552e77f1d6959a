//go:build e2e && e2e_arm

package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// Engines of other architectures, under qemu's user emulation: scripts/farm up amd64 i386 arm64 armhf arm64-modern. These tests have a
// build tag of their own, for such engines take their time; it is not "arm64", which is the compiler's.
var armMachines = map[engine]string{"amd64": "x86_64", "i386": "i686", "arm64": "aarch64", "armhf": "armv7l", "arm64-modern": "aarch64"}

// The main job for four architectures on four engines, each its own.
func TestFourArchitectures(t *testing.T) {
	t.Parallel()
	nodes := map[string]engine{"linux/386": "i386", "linux/amd64": "amd64", "linux/arm64": "arm64", "linux/arm/v7": "armhf"}
	s := newNodeScene(t, "amd64", "i386", "arm64", "armhf")
	want := map[string]string{}
	for platform, e := range nodes {
		want[platform] = string(e) + " native"
	}

	r := s.push("--platform", "linux/amd64,linux/386,linux/arm64,linux/arm/v7", s.dir("COPY Dockerfile /copied", "RUN uname -m > /machine")).succeeded()

	assert.DeepEqual(t, r.plan(), want)
	all := oracle.Want{Platforms: []string{"linux/386", "linux/amd64", "linux/arm/v7", "linux/arm64"}, MediaType: dockerList}
	assert.Equal(t, published(t, openRegistry(), s.repo, tag, all).Digest, digestOf(t, r, s.ref()))
	for _, e := range slices.Sorted(maps.Values(nodes)) {
		assert.Equal(t, e.run(t, s.ref(), "cat", "/machine"), armMachines[e])
	}
	assert.DeepEqual(t, s.dryRun(), want) // Without --platform it is what the nodes are.
}

// The main job on each arm engine alone, of both ages and image stores.
func TestArmEngines(t *testing.T) {
	t.Parallel()
	for e, platform := range map[engine]string{"arm64": "linux/arm64", "armhf": "linux/arm/v7", "arm64-modern": "linux/arm64"} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := newNodeScene(t, string(e))
			r := s.push("--platform", platform, s.dir("RUN uname -m > /machine")).succeeded()
			image := published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{platform}})
			assert.Equal(t, image.Digest, digestOf(t, r, s.ref()))
			assert.Equal(t, image.MediaType, listType(image))
			assert.Equal(t, e.run(t, s.ref(), "cat", "/machine"), armMachines[e])
		})
	}
}

// An amd64 engine that could emulate does it only for who asks, and says so.
func TestEmulatedBuild(t *testing.T) {
	t.Parallel()
	s := newNodeScene(t, "amd64")
	dir := s.dir("RUN uname -m > /machine")
	s.push("--platform", "linux/arm64", dir).failed(2, "no node for linux/arm64", "amd64: is linux/amd64")
	s.unsent()

	r := s.push("--platform", "linux/arm64", "--emulate", dir).succeeded()

	assert.DeepEqual(t, r.plan(), map[string]string{"linux/arm64": "amd64 emulated"})
	want := oracle.Want{Platforms: []string{"linux/arm64"}, MediaType: dockerList}
	assert.Equal(t, published(t, openRegistry(), s.repo, tag, want).Digest, digestOf(t, r, s.ref()))
	content := contentOf(t, openRegistry(), s.repo, tag)["linux/arm64"]
	assert.Equal(t, content["machine"].Type, "file")
}

// All that a modern engine can, in one command on two machines of different architectures; an old engine among them has it refused.
func TestEverythingAtOnceOnArm(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.haveContexts(string(modern), "arm64-modern")
	flags, told := everything(t, c, "linux/arm64")
	platforms := []string{"linux/amd64", "linux/arm64"}

	got := c.told(platforms, append([]string{"--platform", strings.Join(platforms, ",")}, flags...)...)

	assert.DeepEqual(t, got, map[string]files{"linux/amd64": told("linux/amd64"), "linux/arm64": told("linux/arm64")})

	c.haveContexts(string(modern), "arm64")
	old := engine("arm64")
	c.build(flags...).failed(125, "here-document", "--build-context", "arm64 (engine "+old.version(t)+")")
}
