package check

import (
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// spellings are the names of architectures that are in use, by GOARCH. What also
// means something else ("arm", "386", "x86") is left out.
var spellings = []struct{ arch, name string }{
	{"amd64", "amd64"},
	{"amd64", "x86_64"},
	{"amd64", "x86-64"},
	{"amd64", "x64"},
	{"amd64", "linux64"},
	{"arm64", "arm64"},
	{"arm64", "aarch64"},
	{"arm", "armhf"},
	{"arm", "armel"},
	{"arm", "armv6"},
	{"arm", "armv6l"},
	{"arm", "armv7"},
	{"arm", "armv7l"},
	{"386", "i386"},
	{"386", "i586"},
	{"386", "i686"},
	{"ppc64le", "ppc64le"},
	{"ppc64le", "ppc64el"},
	{"s390x", "s390x"},
	{"riscv64", "riscv64"},
	{"loong64", "loong64"},
	{"loong64", "loongarch64"},
}

// architectures returns the architectures that a text names as words of their
// own, such as amd64 in "tool_linux-x86_64.tar.gz".
func architectures(text string) []string {
	text = strings.ToLower(text)
	var found []string
	for _, s := range spellings {
		for rest, at := text, 0; ; {
			i := strings.Index(rest, s.name)
			if i < 0 {
				break
			}
			at += i
			end := at + len(s.name)
			if !alphanumeric(text, at-1) && !alphanumeric(text, end) && !slices.Contains(found, s.arch) {
				found = append(found, s.arch)
			}
			rest, at = text[end:], end
		}
	}
	return found
}

func alphanumeric(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	c := text[i]
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
}

// foreign returns the architecture that a text names and that p can't use. A text
// that names p's own too is a list, or a mapping.
func foreign(text string, p ocispec.Platform) (string, bool) {
	found := architectures(text)
	if len(found) == 0 || slices.ContainsFunc(found, func(arch string) bool { return usable(arch, p) }) {
		return "", false
	}
	return found[0], true
}

// usable says whether software for arch has its place in an image for p: 386 has
// on amd64.
func usable(arch string, p ocispec.Platform) bool {
	return arch == p.Architecture || arch == "386" && p.Architecture == "amd64"
}
