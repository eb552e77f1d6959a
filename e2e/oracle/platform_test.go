package oracle

import (
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

func TestParsePlatform(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"linux/amd64":                  "linux/amd64",
		"linux/amd64/v1":               "linux/amd64",
		"linux/amd64/v3":               "linux/amd64/v3",
		"linux/arm":                    "linux/arm/v7",
		"linux/arm/v6":                 "linux/arm/v6",
		"linux/arm64/v8":               "linux/arm64",
		"linux/arm64/v9":               "linux/arm64/v9",
		"windows(10.0.20348.1)/amd64":  "windows(10.0.20348.1)/amd64",
		"windows(10.0.20348.1)/arm/v7": "windows(10.0.20348.1)/arm/v7",
	} {
		got, err := parsePlatform(text)
		assert.NilError(t, err)
		assert.Check(t, is.Equal(got.String(), want))
	}
	for _, text := range []string{"", "linux", "linux/", "/amd64", "linux/arm/v7/x", "windows()/amd64", "windows/amd64(1)"} {
		_, err := parsePlatform(text)
		assert.Check(t, is.ErrorContains(err, "parsing platform"), text)
	}
}

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	ascending := []string{"", "10.0", "10.0.9.1", "10.0.10", "10.0.10.1", "10.0.10.x"}
	for i, a := range ascending {
		for j, b := range ascending {
			got := compareVersions(a, b)
			assert.Check(t, (got < 0) == (i < j) && (got > 0) == (i > j), "%q and %q: %d", a, b, got)
		}
	}
}

func TestWantRefusesAMisspelledPlatform(t *testing.T) {
	t.Parallel()
	f, registry := newFake(t)
	push{platforms: []string{"linux/amd64"}}.to(t, f)
	_, err := registry.Check(t.Context(), repo, "1", Want{Platforms: []string{"amd64"}})
	assert.Check(t, is.ErrorContains(err, `parsing platform "amd64"`))
}
