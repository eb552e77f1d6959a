package argument_test

import (
	"testing"

	"github.com/containerd/platforms"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// TestAPlatformIsLeftOutOnlyIfItWasNamedBefore: one with a version of Windows is not the one without.
func TestAPlatformIsLeftOutOnlyIfItWasNamedBefore(t *testing.T) {
	t.Parallel()
	all, err := argument.Platforms([]string{"linux/arm64", "linux/arm64/v8", "windows/amd64", "windows(10.0.20348)/amd64", "windows(10.0.20348.1)/amd64"})
	assert.NilError(t, err)
	var names []string
	for _, p := range all {
		names = append(names, platforms.FormatAll(p))
	}
	assert.DeepEqual(t, names, []string{"linux/arm64", "windows/amd64", "windows(10.0.20348)/amd64", "windows(10.0.20348.1)/amd64"})
}
