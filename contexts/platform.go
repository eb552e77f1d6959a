package contexts

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/platform"
)

// machines are the architectures as engines report them (the kernel's
// uname -m) that containerd's platform names don't know.
var machines = map[string]ocispec.Platform{
	"i486":        {Architecture: "386"},
	"i586":        {Architecture: "386"},
	"i686":        {Architecture: "386"},
	"armv5l":      {Architecture: "arm", Variant: "v5"},
	"armv5tel":    {Architecture: "arm", Variant: "v5"},
	"armv6l":      {Architecture: "arm", Variant: "v6"},
	"armv7l":      {Architecture: "arm", Variant: "v7"},
	"armv8l":      {Architecture: "arm", Variant: "v7"},
	"loongarch64": {Architecture: "loong64"},
}

// nativePlatform is the platform of an engine that reports the operating
// system osType, the machine arch and, on Windows, the version osVersion.
func nativePlatform(osType, arch, osVersion string) (ocispec.Platform, error) {
	if osType == "" || arch == "" {
		return ocispec.Platform{}, fmt.Errorf("engine does not say what platform it is (OSType %q, Architecture %q)", osType, arch)
	}
	p, known := machines[arch]
	if !known {
		p.Architecture = arch
	}
	p.OS = osType
	if p.OS == "windows" {
		// "10.0.20348 (Build 20348.2322)" on old engines.
		p.OSVersion, _, _ = strings.Cut(osVersion, " ")
	}
	return platforms.Normalize(p), nil
}

// Match is how a node can build for a platform.
type Match int

// The ways a node can build for a platform, worst first.
const (
	// NoMatch: the node can't.
	NoMatch Match = iota
	// Emulated: the engine runs that platform's programs through an
	// emulator. Never the case unless the user asked for it.
	Emulated
	// Compatible: the node's processor runs that platform's programs itself,
	// though it is not the engine's own platform (386 on amd64).
	Compatible
	// Native: it is the engine's own platform.
	Native
)

// String returns the word that a plan shows.
func (m Match) String() string {
	return [...]string{"none", "emulated", "compatible", "native"}[m]
}

// Match tells how the node can build for p. It goes by what the engine said of
// itself, by what the user declared for the node, and by what Emulates allows.
func (n *Node) Match(p ocispec.Platform) Match {
	own := n.Engine.Platform
	switch {
	case n.Asleep && lists(n.Declares, p):
		return Native
	case !n.Usable():
		return NoMatch
	case platforms.OnlyStrict(own).Match(p) && osVersionFits(own, p):
		return Native
	case lists(n.Declares, p) || compatible(own, p) || n.virtual(p):
		return Compatible
	case lists(n.Emulates, p):
		return Emulated
	default:
		return NoMatch
	}
}

func lists(all []ocispec.Platform, p ocispec.Platform) bool {
	return slices.ContainsFunc(all, func(q ocispec.Platform) bool { return platforms.OnlyStrict(q).Match(p) })
}

// compatible says whether every processor of platform own runs programs for p.
// Arm's 32-bit programs on arm64 are not among them: Apple silicon and some
// servers have no such mode. What level (v2, v3) an amd64 processor has the
// engine does not say; who asks for one by name is taken at their word.
//
// A host of Windows Server 2022 or later runs, under process isolation too, what
// is as old as the long-term release before its own.
func compatible(own, p ocispec.Platform) bool {
	if own.OS == "windows" && own.OSVersion != "" {
		return platforms.OnlyStrict(own).Match(p)
	}
	if own.OS != "linux" || p.OS != "linux" {
		return false
	}
	switch own.Architecture {
	case "amd64":
		return p.Architecture == "386" || p.Architecture == "amd64"
	case "arm":
		return p.Architecture == "arm" && p.Variant < own.Variant
	}
	return false
}

// osVersionFits says whether p is of the version of an engine of platform own: no
// version asked for, or the same build of Windows.
func osVersionFits(own, p ocispec.Platform) bool {
	if own.OS != "windows" || p.OSVersion == "" {
		return true
	}
	return windowsBuild(own.OSVersion) == windowsBuild(p.OSVersion)
}

// virtual says whether the node may build for p, an older version of Windows,
// under Hyper-V isolation. A version newer than the host's runs under none.
func (n *Node) virtual(p ocispec.Platform) bool {
	own := n.Engine.Platform
	return own.OS == "windows" && p.OS == "windows" && p.Architecture == own.Architecture &&
		slices.ContainsFunc(n.HyperV, func(q ocispec.Platform) bool { return platform.Compare(p, q) == 0 }) &&
		platform.CompareVersions(windowsBuild(p.OSVersion), windowsBuild(own.OSVersion)) < 0
}

// windowsBuild returns the first three parts of a Windows version: revisions run
// each other's programs.
func windowsBuild(version string) string {
	parts := strings.SplitN(version, ".", 4)
	return strings.Join(parts[:min(3, len(parts))], ".")
}

// Best returns the usable nodes that can build for p, the best match first and
// otherwise in the order of ns.
func (ns Nodes) Best(p ocispec.Platform) Nodes {
	var able Nodes
	for _, n := range ns {
		if n.Match(p) != NoMatch {
			able = append(able, n)
		}
	}
	slices.SortStableFunc(able, func(a, b *Node) int { return int(b.Match(p)) - int(a.Match(p)) })
	return able
}
