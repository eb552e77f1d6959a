package plugin

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

// TestInstallPutsThePluginWhereDockerLooks, also in a DOCKER_CONFIG that is named from where the script is called, and says what it
// takes.
func TestInstallPutsThePluginWhereDockerLooks(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the release of the test is for linux/amd64")
	}
	script, err := filepath.Abs("../scripts/install")
	assert.NilError(t, err)
	program := "#!/bin/sh\necho '\"Version\": \"v9\"'\n"
	name := "docker-multiarch-v9.linux-amd64"
	release := plugintest.Dir(t, map[string]string{name: program, "checksums.txt": fmt.Sprintf("%x  %s\n", sha256.Sum256([]byte(program)), name)})
	dir := t.TempDir()
	install := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), script, args...)
		cmd.Dir, cmd.Env = dir, []string{"DOCKER_CONFIG=my config", "HOME=/nowhere", "PATH=/usr/bin:/bin"}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	out, err := install(release)
	assert.NilError(t, err, out)
	assert.Equal(t, out, "docker multiarch v9 is in "+filepath.Join(dir, "my config", "cli-plugins")+"\n")
	_, err = os.Stat(filepath.Join(dir, "my config", "cli-plugins", "docker-multiarch"))
	assert.NilError(t, err)

	out, err = install("--help")
	assert.NilError(t, err)
	plugintest.Contains(t, out, "install [DIR]")
	out, err = install("nowhere")
	assert.Check(t, err != nil)
	assert.Equal(t, out, "install: nowhere is not a directory\n")
}
