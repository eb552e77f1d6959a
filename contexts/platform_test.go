package contexts

import (
	"testing"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

func TestNativePlatformIsWhatTheEngineSaysNormalised(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ os, arch, version, want string }{
		{"linux", "x86_64", "", "linux/amd64"},
		{"linux", "amd64", "", "linux/amd64"},
		{"linux", "aarch64", "", "linux/arm64"},
		{"linux", "arm64", "", "linux/arm64"},
		{"linux", "i386", "", "linux/386"},
		{"linux", "i486", "", "linux/386"},
		{"linux", "i586", "", "linux/386"},
		{"linux", "i686", "", "linux/386"},
		{"linux", "armv5l", "", "linux/arm/v5"},
		{"linux", "armv5tel", "", "linux/arm/v5"},
		{"linux", "armv6l", "", "linux/arm/v6"},
		{"linux", "armv7l", "", "linux/arm/v7"},
		// A 64-bit processor with a 32-bit userland.
		{"linux", "armv8l", "", "linux/arm/v7"},
		{"linux", "armhf", "", "linux/arm/v7"},
		{"linux", "s390x", "", "linux/s390x"},
		{"linux", "ppc64le", "", "linux/ppc64le"},
		{"linux", "riscv64", "", "linux/riscv64"},
		{"linux", "loongarch64", "", "linux/loong64"},
		{"linux", "mips64le", "", "linux/mips64le"},
		{"freebsd", "amd64", "", "freebsd/amd64"},
		// The version of a Linux distribution is no os.version.
		{"linux", "x86_64", "12", "linux/amd64"},
		{"windows", "x86_64", "10.0.20348.2322", "windows(10.0.20348.2322)/amd64"},
		{"windows", "x86_64", "10.0.20348 (Build 20348.2322)", "windows(10.0.20348)/amd64"},
		{"windows", "x86_64", "", "windows/amd64"},
	} {
		t.Run(c.os+" "+c.arch+" "+c.version, func(t *testing.T) {
			t.Parallel()
			p, err := nativePlatform(c.os, c.arch, c.version)
			assert.NilError(t, err)
			assert.Equal(t, platforms.FormatAll(p), c.want)
		})
	}
}

func TestAnEngineThatDoesNotSayWhatItIsHasNoPlatform(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"", ""}, {"linux", ""}, {"", "x86_64"}} {
		_, err := nativePlatform(c[0], c[1], "")
		assert.ErrorContains(t, err, "does not say what platform it is", "%q", c)
	}
}

// on is a usable node of a platform such as "linux/arm/v7".
func on(name, platform string) *Node {
	p := platforms.MustParse(platform)
	return &Node{Name: name, Engine: Engine{ID: name, Platform: platforms.Normalize(p)}}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		engine, asked string
		want          Match
	}{
		{"linux/amd64", "linux/amd64", Native},
		{"linux/arm64", "linux/arm64", Native},
		{"linux/arm64", "linux/arm64/v8", Native},
		{"linux/arm/v7", "linux/arm/v7", Native},
		{"linux/arm/v7", "linux/arm", Native},
		{"linux/arm/v6", "linux/arm/v6", Native},
		{"linux/s390x", "linux/s390x", Native},
		{"linux/386", "linux/386", Native},
		{"freebsd/amd64", "freebsd/amd64", Native},
		// These every processor runs itself; no other pair is taken for granted.
		{"linux/amd64", "linux/386", Compatible},
		{"linux/arm/v7", "linux/arm/v6", Compatible},
		{"linux/arm/v7", "linux/arm/v5", Compatible},
		// Who asks for a level by name is taken at their word.
		{"linux/amd64", "linux/amd64/v2", Compatible},
		{"linux/amd64", "linux/amd64/v3", Compatible},
		{"linux/386", "linux/amd64", NoMatch},
		{"linux/arm64", "linux/arm/v7", NoMatch},
		{"linux/arm64", "linux/arm/v6", NoMatch},
		{"linux/arm/v6", "linux/arm/v7", NoMatch},
		{"linux/arm/v7", "linux/arm64", NoMatch},
		{"linux/amd64", "linux/arm64", NoMatch},
		{"linux/ppc64", "linux/ppc64le", NoMatch},
		// What an engine doesn't say, its processor may not have.
		{"linux/arm64", "linux/arm64/v9", NoMatch},
		{"linux/386", "linux/arm/v6", NoMatch},
		{"freebsd/amd64", "freebsd/amd64/v3", NoMatch},
		// Systems don't mix.
		{"linux/amd64", "windows/amd64", NoMatch},
		{"windows/amd64", "linux/amd64", NoMatch},
		{"freebsd/amd64", "linux/386", NoMatch},
		{"freebsd/amd64", "freebsd/386", NoMatch},
		{"windows/amd64", "windows/386", NoMatch},
		// Process isolation needs the same build of Windows, not the revision; since
		// 2022 the release before will do.
		{"windows(10.0.20348.2322)/amd64", "windows/amd64", Native},
		{"windows(10.0.20348.2322)/amd64", "windows(10.0.20348.2322)/amd64", Native},
		{"windows(10.0.20348.2322)/amd64", "windows(10.0.20348.1)/amd64", Native},
		{"windows(10.0.20348.2322)/amd64", "windows(10.0.20348)/amd64", Native},
		{"windows(10.0.20348)/amd64", "windows(10.0.20348.2322)/amd64", Native},
		{"windows(10.0.20348.2322)/amd64", "windows(10.0.17763.2322)/amd64", NoMatch},
		{"windows(10.0.26100.1)/amd64", "windows(10.0.20348.1)/amd64", Compatible},
		{"windows(10.0.26100)/amd64", "windows(10.0.20348)/amd64", Compatible},
		{"windows(10.0.26100)/amd64", "windows(10.0.20348)/arm64", NoMatch},
		{"windows(10.0.26100.1)/amd64", "windows(10.0.17763.1)/amd64", NoMatch},
		{"windows(10.0.17763.1)/amd64", "windows(10.0.14393.1)/amd64", NoMatch},
		{"windows(10.0.20348.1)/amd64", "windows(10.0.26100.1)/amd64", NoMatch},
		{"windows/amd64", "windows(10.0.20348.1)/amd64", NoMatch},
	} {
		t.Run(c.asked+" on "+c.engine, func(t *testing.T) {
			t.Parallel()
			got := on("n", c.engine).Match(platforms.Normalize(platforms.MustParse(c.asked)))
			assert.Equal(t, got.String(), c.want.String())
		})
	}
}

func TestANodeThatIsNotUsableMatchesNothing(t *testing.T) {
	t.Parallel()
	p := ocispec.Platform{OS: "linux", Architecture: "amd64"}
	failed, silent := on("failed", "linux/amd64"), on("silent", "linux/amd64")
	failed.Err, silent.Engine.ID = ErrNoAnswer, ""
	for _, n := range []*Node{failed, silent, {Name: "fresh"}} {
		assert.Equal(t, n.Match(p), NoMatch, n.Name)
		assert.Equal(t, n.Match(ocispec.Platform{}), NoMatch, n.Name)
	}
}

func TestAPlatformThatTheUserDeclaresIsCompatibleAndOneThatMayBeEmulatedComesLast(t *testing.T) {
	t.Parallel()
	arm := platforms.Normalize(platforms.MustParse("linux/arm/v7"))
	declared, emulating, native := on("declared", "linux/arm64"), on("emulating", "linux/amd64"), on("native", "linux/arm/v7")
	declared.Declares, emulating.Emulates = []ocispec.Platform{arm}, []ocispec.Platform{arm}
	for node, want := range map[*Node]Match{declared: Compatible, emulating: Emulated, native: Native} {
		assert.Equal(t, node.Match(arm), want, node.Name)
	}
	assert.Equal(t, names(Nodes{emulating, on("other", "linux/amd64"), declared, native}.Best(arm)), "native declared emulating")

	// Neither says anything of other platforms, nor of a node that is down.
	assert.Equal(t, declared.Match(platforms.MustParse("linux/s390x")), NoMatch)
	assert.Equal(t, emulating.Match(platforms.MustParse("linux/s390x")), NoMatch)
	declared.Err, emulating.Err = ErrNoAnswer, ErrNoAnswer
	assert.Equal(t, len(Nodes{declared, emulating}.Best(arm)), 0)
}

func TestBestPutsNativeFirstAndKeepsTheOrderOtherwise(t *testing.T) {
	t.Parallel()
	dead := on("dead", "linux/386")
	dead.Err = ErrNoAnswer
	nodes := Nodes{on("x", "linux/amd64"), dead, on("arm", "linux/arm64"), on("old", "linux/386"), on("y", "linux/amd64"), on("older", "linux/386")}
	assert.Equal(t, names(nodes.Best(platforms.MustParse("linux/386"))), "old older x y")
	assert.Equal(t, names(nodes.Best(platforms.MustParse("linux/amd64"))), "x y")
	assert.Equal(t, names(nodes.Best(platforms.MustParse("linux/s390x"))), "")
	assert.Equal(t, names(nodes), "x dead arm old y older", "Best must leave the nodes alone")
}

// TestHyperVIsForOlderVersionsAndByChoice: a Windows host runs what is newer than
// itself in no way, and what is older in a virtual machine alone.
func TestHyperVIsForOlderVersionsAndByChoice(t *testing.T) {
	t.Parallel()
	older, own, newer := platforms.MustParse("windows(10.0.17763)/amd64"), platforms.MustParse("windows(10.0.20348)/amd64"), platforms.MustParse("windows(10.0.26100)/amd64")
	n := &Node{Engine: Engine{ID: "w", Platform: platforms.MustParse("windows(10.0.20348.2322)/amd64")}}
	assert.Equal(t, n.Match(older), NoMatch)
	assert.Equal(t, n.Match(own), Native)
	n.HyperV = []ocispec.Platform{older, newer}
	assert.Equal(t, n.Match(older), Compatible)
	assert.Equal(t, n.Match(own), Native)
	assert.Equal(t, n.Match(newer), NoMatch)
}
