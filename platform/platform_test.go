package platform

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

// parse is Parse for platforms that are right.
func parse(s string) ocispec.Platform {
	p, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return p
}

func parseAll(s string) []ocispec.Platform {
	var all []ocispec.Platform
	for _, p := range strings.Fields(s) {
		all = append(all, parse(p))
	}
	return all
}

func TestParsePlatform(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"linux/amd64": "linux/amd64", "linux/x86_64": "linux/amd64", "linux/amd64/v1": "linux/amd64", "linux/amd64/v3": "linux/amd64/v3",
		"linux/arm64": "linux/arm64", "linux/aarch64": "linux/arm64", "linux/arm64/v8": "linux/arm64", "LINUX/ARM64": "linux/arm64",
		"linux/arm": "linux/arm/v7", "linux/arm/v7": "linux/arm/v7", "linux/arm/v6": "linux/arm/v6", "linux/armhf": "linux/arm/v7", "linux/armel": "linux/arm/v6",
		"linux/386": "linux/386", "linux/i386": "linux/386", "linux/s390x": "linux/s390x", "linux/riscv64": "linux/riscv64", "linux/loong64": "linux/loong64",
		"macos/arm64": "darwin/arm64", "windows/amd64": "windows/amd64",
		"windows(10.0.20348.2322)/amd64": "windows(10.0.20348.2322)/amd64",
	} {
		p, err := Parse(text)
		assert.NilError(t, err, text)
		assert.Equal(t, platforms.FormatAll(p), want, text)
	}
}

func TestParsePlatformRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "/", "linux", "amd64", "arm64", "all", "linux/", "/amd64", "linux//v8", "linux/arm/", "linux/arm/v7/x", "linux/amd64 ", " linux/amd64",
		"linux/*", "*", "linux/amd64,linux/arm64", "linux\\amd64", "linux/am d64", "linux/ämd64", "linux(/amd64", "linux/amd64\x1b[2J", "linux/amd64\n",
		// An architecture without a system is no system.
		"arm/v7", "arm64/v8", "amd64/v3",
	} {
		p, err := Parse(text)
		var platformError *Error
		assert.Assert(t, errors.As(err, &platformError), "%q is taken for %s", text, platforms.FormatAll(p))
		assert.Equal(t, platformError.Text, text)
		assert.ErrorContains(t, err, "invalid platform")
	}
}

func TestABareArchitectureIsRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	_, err := Parse("arm64")
	assert.ErrorIs(t, err, errNoOS)
}

func TestSamePlatform(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"linux/amd64", "linux/amd64", true},
		{"linux/arm64", "linux/arm64/v8", true},
		{"linux/arm", "linux/arm/v7", true},
		{"linux/arm/v6", "linux/arm/v7", false},
		{"linux/amd64", "linux/amd64/v3", false},
		{"linux/amd64", "linux/386", false},
		{"linux/amd64", "windows/amd64", false},
		{"windows/amd64", "windows(10.0.20348.1)/amd64", true},
		{"windows(10.0.20348.1)/amd64", "windows(10.0.20348.1)/amd64", true},
		{"windows(10.0.20348.1)/amd64", "windows(10.0.17763.1)/amd64", false},
	} {
		assert.Equal(t, Same(parse(c.a), parse(c.b)), c.want, "%s %s", c.a, c.b)
		assert.Equal(t, Same(parse(c.b), parse(c.a)), c.want, "%s %s", c.b, c.a)
	}
}

func TestPlatformsAreOrderedAsInAnIndex(t *testing.T) {
	t.Parallel()
	want := parseAll("linux/386 linux/amd64 linux/amd64/v3 linux/arm/v6 linux/arm/v7 linux/arm64 windows(10.0.20348.2)/amd64 windows(10.0.20348.1)/amd64 windows(10.0.17763.9)/amd64")
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Compare)
	assert.DeepEqual(t, got, want)
}

// TestTheNewestWindowsComesFirstWhateverItsDigits: versions are numbers, not
// words ("10.0.9" is older than "10.0.17763").
func TestTheNewestWindowsComesFirstWhateverItsDigits(t *testing.T) {
	t.Parallel()
	want := parseAll("windows(10.0.20348.10)/amd64 windows(10.0.20348.9)/amd64 windows(10.0.17763.1)/amd64 windows(6.3.9600.1)/amd64")
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Compare)
	assert.DeepEqual(t, got, want)
}

func FuzzParsePlatform(f *testing.F) {
	for _, seed := range []string{"linux/amd64", "linux/arm/v7", "windows(10.0.20348.2322)/amd64", "arm64", "", "linux(a+b)/x/y", "a(%)/b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			var platformError *Error
			assert.Assert(t, errors.As(err, &platformError))
			return
		}
		assert.Assert(t, p.OS != "" && p.Architecture != "", "%q is %+v", text, p)
		again, err := Parse(platforms.FormatAll(p))
		assert.NilError(t, err, "%q is %+v", text, p)
		assert.DeepEqual(t, again, p)
	})
}

func TestAVersionMayStandBehindAColon(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"windows/amd64:10.0.20348.2322": "windows(10.0.20348.2322)/amd64",
		"windows/amd64":                 "windows/amd64",
		"windows(10.0.1)/amd64":         "windows(10.0.1)/amd64",
		"linux/amd64:":                  "", "windows(10.0.1)/amd64:10.0.1": "", "windows/amd64:ltsc2022": "", "amd64:10.0.1": "",
		"windows(ltsc2022)/amd64": "", "windows(10.0)/amd64": "", "windows/amd64:10.0": "", "windows(10.0.1.2.3)/amd64": "", "linux(5.4)/amd64": "linux(5.4)/amd64",
	} {
		p, err := ParseColon(text)
		if want == "" {
			var platformError *Error
			assert.Assert(t, errors.As(err, &platformError), text)
			continue
		}
		assert.NilError(t, err)
		assert.Equal(t, platforms.FormatAll(p), want)
	}
}

func TestABuildIsEveryRevisionOfIt(t *testing.T) {
	t.Parallel()
	build, revision := parse("windows(10.0.20348)/amd64"), parse("windows(10.0.20348.2322)/amd64")
	assert.Assert(t, Same(build, revision) && Same(revision, build))
	assert.Assert(t, !Same(parse("windows(10.0.2034)/amd64"), revision))
	assert.Assert(t, !Same(parse("windows(10.0.20348.1)/amd64"), revision))
}
