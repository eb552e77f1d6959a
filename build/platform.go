package build

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// comparePlatforms orders platforms as they stand in a plan and in an index:
// by operating system, architecture and variant, and by os.version.
func comparePlatforms(a, b ocispec.Platform) int {
	return cmp.Or(
		cmp.Compare(a.OS, b.OS),
		cmp.Compare(a.Architecture, b.Architecture),
		cmp.Compare(a.Variant, b.Variant),
		compareVersions(b.OSVersion, a.OSVersion),
	)
}

// compareVersions compares versions such as 10.0.20348.2322 by their numbers.
func compareVersions(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) int {
		n, _ := strconv.Atoi(a)
		m, _ := strconv.Atoi(b)
		return cmp.Or(cmp.Compare(n, m), cmp.Compare(a, b))
	})
}

// SamePlatform says whether two normalised platforms are one. An os.version
// counts only where both have one.
func SamePlatform(a, b ocispec.Platform) bool {
	if a.OSVersion == "" || b.OSVersion == "" {
		a.OSVersion, b.OSVersion = "", ""
	}
	return comparePlatforms(a, b) == 0
}

// ParsePlatform reads a platform as the user writes it, for example
// "linux/arm64" or "linux/arm/v7", and normalises it. Unlike containerd's parser
// it wants the operating system: what a bare "arm64" means must not depend on
// the client.
func ParsePlatform(s string) (ocispec.Platform, error) {
	p, err := platforms.Parse(s)
	if err == nil && !explicitOS(s) {
		err = errNoOS
	}
	if err != nil {
		return ocispec.Platform{}, &PlatformError{Text: s, Err: err}
	}
	return platforms.Normalize(p), nil
}

// explicitOS says whether s names an operating system: os/arch. "arm/v7" looks
// the same and does not.
func explicitOS(s string) bool {
	front, _, found := strings.Cut(s, "/")
	if !found {
		return false
	}
	// A known architecture on its own is read as one, for the client's system.
	alone, err := platforms.Parse(front)
	return err != nil || alone.Architecture != front || front == alone.OS
}
