package platform

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Error is returned for a platform that can't be understood.
type Error struct {
	Text string
	Err  error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("invalid platform %q: %v", e.Text, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

var errNoOS = errors.New("an operating system is needed, as in linux/arm64")

// Parse reads a platform as the user writes it, for example "linux/arm64" or
// "linux/arm/v7", and normalises it. Unlike containerd's parser it wants the
// operating system: what a bare "arm64" means must not depend on the client. Its
// errors are an *Error.
func Parse(s string) (ocispec.Platform, error) {
	p, err := platforms.Parse(s)
	if err == nil && !explicitOS(s) {
		err = errNoOS
	}
	if err != nil {
		return ocispec.Platform{}, &Error{Text: s, Err: err}
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

// Same says whether two normalised platforms are one. An os.version counts only
// as far as both have one: 10.0.20348 is every revision of that build.
func Same(a, b ocispec.Platform) bool {
	if versionOf(a.OSVersion, b.OSVersion) || versionOf(b.OSVersion, a.OSVersion) {
		a.OSVersion, b.OSVersion = "", ""
	}
	return Compare(a, b) == 0
}

// versionOf says whether version is general, or a part of it.
func versionOf(general, version string) bool {
	return general == "" || general == version || strings.HasPrefix(version, general+".")
}

// ParseColon is Parse for text that also may have the os.version at its end, as
// in "windows/amd64:10.0.20348.2322". A version of Windows has to be one: no
// host and no image has part of it, or another name of it.
func ParseColon(s string) (ocispec.Platform, error) {
	name, version, found := strings.Cut(s, ":")
	p, err := Parse(name)
	if err == nil && found {
		if p.OSVersion != "" || !versionRe.MatchString(version) {
			err = &Error{Text: s, Err: errVersion}
		}
		p.OSVersion = version
	}
	if err == nil && p.OS == "windows" && p.OSVersion != "" && !windowsRe.MatchString(p.OSVersion) {
		err = &Error{Text: s, Err: errWindows}
	}
	return p, err
}

var (
	versionRe  = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`)
	windowsRe  = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(\.[0-9]+)?$`)
	errVersion = errors.New("what follows the colon must be one os.version, as in windows/amd64:10.0.20348")
	errWindows = errors.New("a version of Windows is three or four numbers, as in windows(10.0.20348)/amd64")
)

// Compare orders normalised platforms as they stand in a plan and in an index:
// by operating system, architecture and variant, and then the newest os.version
// first, because Windows takes the first entry that its version can run.
func Compare(a, b ocispec.Platform) int {
	return cmp.Or(
		cmp.Compare(a.OS, b.OS),
		cmp.Compare(a.Architecture, b.Architecture),
		cmp.Compare(a.Variant, b.Variant),
		CompareVersions(b.OSVersion, a.OSVersion),
	)
}

// CompareVersions compares dotted versions number by number, so that 10.0.9 is
// older than 10.0.10.
func CompareVersions(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		m, errM := strconv.ParseUint(x, 10, 64)
		n, errN := strconv.ParseUint(y, 10, 64)
		if errM == nil && errN == nil {
			return cmp.Or(cmp.Compare(m, n), cmp.Compare(x, y))
		}
		return cmp.Compare(x, y)
	})
}
