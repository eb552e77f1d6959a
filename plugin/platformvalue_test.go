package plugin

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
		got := newPlatformValue(s)
		assert.DeepEqual(t, [2]string{got.front, got.value}, want)
	}
}

func TestTheMoreSpecificValueWins(t *testing.T) {
	t.Parallel()
	var v platformValues
	for _, s := range []string{"linux/arm/v7:v7", "linux/arm:arm", "all", "linux/arm64:arm64", "linux/arm64:again"} {
		assert.NilError(t, v.Set(s))
	}
	for p, want := range map[string][]string{
		"linux/arm/v7": {"all", "arm", "v7"},
		"linux/arm/v6": {"all", "arm"},
		"linux/arm64":  {"all", "arm64", "again"},
		"linux/amd64":  {"all"},
	} {
		assert.DeepEqual(t, v.list(parsed(t, p)), want)
		assert.Equal(t, v.single(parsed(t, p)), want[len(want)-1])
	}
	var none platformValues
	assert.Equal(t, none.single(parsed(t, "linux/amd64")), "")
}

func TestAValueForAPlatformThatIsNotBuiltIsAMistake(t *testing.T) {
	t.Parallel()
	var v platformValues
	assert.NilError(t, v.Set("linux/arm64:x"))
	assert.NilError(t, v.check("node", []ocispec.Platform{parsed(t, "linux/arm64")}))
	err := v.check("node", []ocispec.Platform{parsed(t, "linux/amd64"), parsed(t, "linux/arm/v7")})
	assert.Error(t, err, "--node linux/arm64:…: linux/arm64 is not built")
	assert.ErrorType(t, err, usageError{})
}

func FuzzPlatformValue(f *testing.F) {
	f.Add("linux/arm64:x")
	f.Add("*:a:b")
	f.Fuzz(func(t *testing.T, s string) {
		v := newPlatformValue(s)
		if v.front == "" {
			assert.Assert(t, v.value == s || "*:"+v.value == s)
			return
		}
		assert.Equal(t, v.front+":"+v.value, s)
		assert.Assert(t, slices.Contains([]int{2, 3, 4}, v.specificity(v.platform)))
	})
}
