package build

import (
	"strings"
	"testing"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

func TestATestIsALineForTheShellOrWords(t *testing.T) {
	t.Parallel()
	var powershell dockerspec.DockerOCIImageConfig
	powershell.Shell = []string{"pwsh", "-c"}
	for _, c := range []struct {
		text, os string
		config   dockerspec.DockerOCIImageConfig
		want     string
	}{
		{"app -v", "linux", dockerspec.DockerOCIImageConfig{}, "/bin/sh|-c|app -v"},
		{"app -v", "linux", powershell, "pwsh|-c|app -v"},
		{"app -v", "windows", dockerspec.DockerOCIImageConfig{}, "cmd|/S|/C|app -v"},
		{`["/app","a b"]`, "linux", powershell, "/app|a b"},
		{"[ -f /app ]", "linux", dockerspec.DockerOCIImageConfig{}, "/bin/sh|-c|[ -f /app ]"},
	} {
		test, err := NewTest(c.text)
		assert.NilError(t, err)
		assert.Equal(t, strings.Join(test.argv(c.config, c.os), "|"), c.want)
	}
	for _, text := range []string{"", " ", "[]"} {
		_, err := NewTest(text)
		assert.ErrorContains(t, err, "empty")
	}
}
