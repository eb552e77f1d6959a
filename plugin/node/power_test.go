package node

import (
	"testing"

	"gotest.tools/v3/assert"
)

func TestHookEnvironment(t *testing.T) {
	t.Parallel()
	all := []string{"PATH=/bin", "Path=C:\\", "SystemRoot=C:\\Windows", "https_proxy=x", "AWS_REGION=y", "DOCKER_AUTH_CONFIG=z", "=C:=C:\\", "XPATH=/"}
	assert.DeepEqual(t, hookEnvironment(all), all[:5])
}
