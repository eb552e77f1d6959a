package plugin

import (
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
)

// The names that make the front of a value a platform: "linux/arm64:graviton"
// is a node for one platform, "foo/bar:1" is an image.
var (
	knownOS   = []string{"linux", "windows", "freebsd"}
	knownArch = []string{"386", "amd64", "arm", "arm64", "loong64", "mips64", "mips64le", "ppc64le", "riscv64", "s390x"}
)

// platformValue splits a value that may hold for one platform only, written
// PLATFORM:VALUE, as in --node linux/arm64:graviton. Without such a front, or
// with "*:" in its place, it holds for all platforms, and ok is false.
func platformValue(s string) (p ocispec.Platform, value string, ok bool) {
	if rest, escaped := strings.CutPrefix(s, "*:"); escaped {
		return p, rest, false
	}
	front, rest, found := strings.Cut(s, ":")
	if !found || !looksLikePlatform(front) {
		return p, s, false
	}
	p, err := build.ParsePlatform(front)
	if err != nil {
		return ocispec.Platform{}, s, false
	}
	return p, rest, true
}

func looksLikePlatform(s string) bool {
	os, arch, found := strings.Cut(s, "/")
	os, _, _ = strings.Cut(os, "(")
	arch, _, _ = strings.Cut(arch, "/")
	return found && slices.Contains(knownOS, os) && slices.Contains(knownArch, arch)
}
