package builder

import (
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

// TestIsolationIsValidWhereTheNodeIs: what it may be does not hang on the system of this machine.
func TestIsolationIsValidWhereTheNodeIs(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{"hyperv": "hyperv", "Process": "Process", "default": "", "none": "invalid"} {
		var f classicFlags
		assert.NilError(t, f.isolation.Set("windows/amd64:"+value))
		got, err := f.of(ocispec.Platform{OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348"})
		if want == "invalid" {
			assert.ErrorContains(t, err, `invalid --isolation "none"`)
			continue
		}
		assert.NilError(t, err)
		assert.Equal(t, got.Isolation, want)
		got, err = f.of(ocispec.Platform{OS: "linux", Architecture: "amd64"})
		assert.NilError(t, err)
		assert.Equal(t, got.Isolation, "")
	}
}
