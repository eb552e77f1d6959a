package argument

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/platform"
)

// The names that make the front of a value a platform: "linux/arm64:graviton"
// is a node for one platform, "foo/bar:1" is an image.
var (
	knownOS   = []string{"linux", "windows", "freebsd"}
	knownArch = []string{"386", "amd64", "arm", "arm64", "loong64", "mips64", "mips64le", "ppc64le", "riscv64", "s390x"}
)

// PlatformValue is one value of a flag, which may hold for some platforms only.
type PlatformValue struct {
	Value string
	// Front is the platform as the user wrote it; empty holds for all.
	Front    string
	Platform ocispec.Platform
	// everyVariant says that the user named no variant, as in linux/arm.
	everyVariant bool
}

// NewPlatformValue reads a value written PLATFORM:VALUE, as in --node
// linux/arm64:graviton. Without such a front, or with "*:" in its place, it
// holds for all platforms.
func NewPlatformValue(s string) PlatformValue {
	if rest, escaped := strings.CutPrefix(s, "*:"); escaped {
		return PlatformValue{Value: rest}
	}
	front, rest, found := strings.Cut(s, ":")
	if !found || !looksLikePlatform(front) {
		return PlatformValue{Value: s}
	}
	p, err := platform.Parse(front)
	if err != nil {
		return PlatformValue{Value: s}
	}
	return PlatformValue{Value: rest, Front: front, Platform: p, everyVariant: strings.Count(front, "/") == 1}
}

func looksLikePlatform(s string) bool {
	os, arch, found := strings.Cut(s, "/")
	os, _, _ = strings.Cut(os, "(")
	arch, _, _ = strings.Cut(arch, "/")
	return found && slices.Contains(knownOS, os) && slices.Contains(knownArch, arch)
}

// specificity says how closely the value is meant for p: 0 not at all, 1 for
// all platforms, more for fewer.
func (v PlatformValue) specificity(p ocispec.Platform) int {
	switch q := v.Platform; {
	case v.Front == "":
		return 1
	case q.OSVersion != "":
		// Which version a platform without one will be of is not known.
		if p.OSVersion != "" && platform.Same(q, p) {
			return 4
		}
	case platform.Same(q, p) && !v.everyVariant:
		return 3
	case v.everyVariant && q.OS == p.OS && q.Architecture == p.Architecture:
		return 2
	}
	return 0
}

// PlatformValues is a flag of values that may each hold for some platforms only.
// It implements pflag.Value and may be given several times.
type PlatformValues struct{ All []PlatformValue }

// Set implements pflag.Value.
func (v *PlatformValues) Set(s string) error {
	v.All = append(v.All, NewPlatformValue(s))
	return nil
}

// DropEmpty leaves out values that are empty, as an unset variable of a script is.
func (v *PlatformValues) DropEmpty() {
	v.All = slices.DeleteFunc(v.All, func(one PlatformValue) bool { return one.Value == "" })
}

// Type implements pflag.Value.
func (*PlatformValues) Type() string { return "stringArray" }

// String implements pflag.Value.
func (v *PlatformValues) String() string {
	values := make([]string, len(v.All))
	for i, one := range v.All {
		values[i] = one.Value
	}
	return strings.Join(values, ",")
}

// List returns the values for p: those for all platforms and those for this
// one, so that a later one of the same key wins if it is more specific.
func (v *PlatformValues) List(p ocispec.Platform) []string {
	mine := slices.DeleteFunc(slices.Clone(v.All), func(one PlatformValue) bool { return one.specificity(p) == 0 })
	slices.SortStableFunc(mine, func(a, b PlatformValue) int { return a.specificity(p) - b.specificity(p) })
	values := make([]string, len(mine))
	for i, one := range mine {
		values[i] = one.Value
	}
	return values
}

// Closest returns the most specific values for p.
func (v *PlatformValues) Closest(p ocispec.Platform) []string {
	var values []string
	most := 1
	for _, one := range v.All {
		n := one.specificity(p)
		if n > most {
			values, most = nil, n
		}
		if n == most {
			values = append(values, one.Value)
		}
	}
	return values
}

// Single returns the most specific value for p, of several such the last, or "".
func (v *PlatformValues) Single(p ocispec.Platform) string {
	values := v.Closest(p)
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// Check finds a value for a platform that is not planned: a mistyped platform
// must not leave a value without effect.
func (v *PlatformValues) Check(flag string, planned []ocispec.Platform) error {
	for _, one := range v.All {
		mine := func(p ocispec.Platform) bool { return one.specificity(p) > 0 }
		if !slices.ContainsFunc(planned, mine) {
			return Wrong(fmt.Errorf("--%s %s:…: %s is not built", flag, one.Front, platforms.FormatAll(one.Platform)))
		}
	}
	return nil
}
