package build

import (
	"testing"

	"gotest.tools/v3/assert"
)

// TestAnImageOfAnotherVersionOfWindowsIsRefused, whether it is pushed or not; the revision counts if it was asked for.
func TestAnImageOfAnotherVersionOfWindowsIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		wanted, version string
		fits            bool
	}{
		{"windows/amd64", "10.0.20348.1", true},
		{"windows(10.0.20348)/amd64", "10.0.20348.1", true},
		{"windows(10.0.20348.1)/amd64", "10.0.20348.1", true},
		{"windows(10.0.20348.2)/amd64", "10.0.20348.1", false},
		{"windows(10.0.26100)/amd64", "10.0.20348.1", false},
		{"linux/amd64", "5.10", true},
	} {
		err := sameVersion(parse(c.wanted), c.version)
		if c.fits {
			assert.NilError(t, err)
			continue
		}
		assert.ErrorIs(t, err, ErrVersion)
		assert.ErrorContains(t, err, "the image says it is windows("+c.version+")/amd64")
	}
}
