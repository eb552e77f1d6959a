package argument

import (
	"slices"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/platform"
)

func parsed(t *testing.T, s string) ocispec.Platform {
	t.Helper()
	p, err := platform.Parse(s)
	assert.NilError(t, err)
	return p
}

func TestAPlatformInFrontOfAValueIsToldFromAnImageOrAPath(t *testing.T) {
	t.Parallel()
	for s, want := range map[string][2]string{
		"linux/arm64:graviton":        {"linux/arm64", "graviton"},
		"linux/arm/v7:A=linux/arm:1":  {"linux/arm/v7", "A=linux/arm:1"},
		"windows(10.0.20348)/amd64:x": {"windows(10.0.20348)/amd64", "x"},
		"linux/arm64:":                {"linux/arm64", ""},
		"graviton":                    {"", "graviton"},
		"linux/alpine:3":              {"", "linux/alpine:3"},
		"library/amd64:1":             {"", "library/amd64:1"},
		"linux/amd64":                 {"", "linux/amd64"},
		"*:linux/amd64:1":             {"", "linux/amd64:1"},
		"C:\\dir":                     {"", "C:\\dir"},
		"":                            {"", ""},
	} {
		got := NewPlatformValue(s)
		assert.DeepEqual(t, [2]string{got.Front, got.Value}, want)
	}
}

func TestTheMoreSpecificValueWins(t *testing.T) {
	t.Parallel()
	var v PlatformValues
	for _, s := range []string{"linux/arm/v7:v7", "linux/arm:arm", "all", "linux/arm64:arm64", "linux/arm64:again"} {
		assert.NilError(t, v.Set(s))
	}
	for p, want := range map[string][]string{
		"linux/arm/v7": {"all", "arm", "v7"},
		"linux/arm/v6": {"all", "arm"},
		"linux/arm64":  {"all", "arm64", "again"},
		"linux/amd64":  {"all"},
	} {
		assert.DeepEqual(t, v.List(parsed(t, p)), want)
		assert.Equal(t, v.Single(parsed(t, p)), want[len(want)-1])
	}
	var none PlatformValues
	assert.Equal(t, none.Single(parsed(t, "linux/amd64")), "")
}

func TestAValueForAPlatformThatIsNotBuiltIsAMistake(t *testing.T) {
	t.Parallel()
	var v PlatformValues
	assert.NilError(t, v.Set("linux/arm64:x"))
	assert.NilError(t, v.Check("node", []ocispec.Platform{parsed(t, "linux/arm64")}))
	err := v.Check("node", []ocispec.Platform{parsed(t, "linux/amd64"), parsed(t, "linux/arm/v7")})
	assert.Error(t, err, "--node linux/arm64:…: linux/arm64 is not built")
	assert.ErrorType(t, err, Error{})
}

// TestAValueForOneVersionOfWindowsIsForNoOther: of windows/amd64 the node decides the version, which may be another one.
func TestAValueForOneVersionOfWindowsIsForNoOther(t *testing.T) {
	t.Parallel()
	var v PlatformValues
	assert.NilError(t, v.Set("windows(10.0.17763)/amd64:x"))
	for platform, want := range map[string][]string{
		"windows(10.0.17763)/amd64": {"x"}, "windows(10.0.17763.1)/amd64": {"x"}, "windows(10.0.20348)/amd64": {}, "windows/amd64": {}, "linux/amd64": {},
	} {
		assert.DeepEqual(t, v.List(parsed(t, platform)), want)
	}
	assert.ErrorContains(t, v.Check("build-arg", []ocispec.Platform{parsed(t, "windows/amd64")}), "windows(10.0.17763)/amd64 is not built")
}

func FuzzPlatformValue(f *testing.F) {
	f.Add("linux/arm64:x")
	f.Add("*:a:b")
	f.Fuzz(func(t *testing.T, s string) {
		v := NewPlatformValue(s)
		if v.Front == "" {
			assert.Assert(t, v.Value == s || "*:"+v.Value == s)
			return
		}
		assert.Equal(t, v.Front+":"+v.Value, s)
		assert.Assert(t, slices.Contains([]int{2, 3, 4}, v.specificity(v.Platform)))
	})
}

func TestDropEmpty(t *testing.T) {
	t.Parallel()
	values := PlatformValues{}
	for _, s := range []string{"", "a", "linux/arm64:", "*:"} {
		assert.NilError(t, values.Set(s))
	}
	values.DropEmpty()
	assert.Equal(t, values.String(), "a")
}
