//go:build !windows

package registry

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/manifest"
)

// helper puts a credential helper of that name into PATH, a shell script.
func helper(t *testing.T, name, script string) {
	t.Helper()
	dir := t.TempDir()
	assert.NilError(t, os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestLoginsOfTheConfigurationFile(t *testing.T) {
	t.Setenv(configfile.DockerEnvConfigKey, "")
	file := configfile.New(filepath.Join(t.TempDir(), "config.json"))
	file.AuthConfigs = map[string]types.AuthConfig{
		"reg.example.com": {Username: "me", Password: "secret"}, "https://index.docker.io/v1/": {Username: "hub", Password: "secret"},
	}
	for host, want := range map[string]string{"reg.example.com": "me", "docker.io": "hub", "other.example.com": "", "reg.example.com:5000": ""} {
		login, err := Credentials{Config: file}.Lookup(t.Context(), host)
		assert.NilError(t, err)
		assert.Equal(t, login.Reveal().Username, want, host)
	}
}

func TestLoginsOfAHelper(t *testing.T) {
	t.Setenv(configfile.DockerEnvConfigKey, "")
	helper(t, "test", `read host
case $host in
reg.example.com) echo '{"ServerURL":"reg.example.com","Username":"me","Secret":"pass"}';;
token.example.com) echo '{"ServerURL":"token.example.com","Username":"<token>","Secret":"identity"}';;
https://index.docker.io/v1/) echo '{"ServerURL":"x","Username":"hub","Secret":"pass"}';;
broken.example.com) printf 'vault is \033[2Jlocked'; exit 1;;
garbage.example.com) echo 'Welcome!';;
*) echo 'credentials not found in native keychain'; exit 1;;
esac`)
	file := configfile.New(filepath.Join(t.TempDir(), "config.json"))
	file.CredentialsStore = "test"
	for host, want := range map[string]types.AuthConfig{
		"reg.example.com":     {Username: "me", Password: "pass", ServerAddress: "reg.example.com"},
		"token.example.com":   {IdentityToken: "identity", ServerAddress: "token.example.com"},
		"docker.io":           {Username: "hub", Password: "pass", ServerAddress: "x"},
		"unknown.example.com": {},
	} {
		login, err := Credentials{Config: file}.Lookup(t.Context(), host)
		assert.NilError(t, err, host)
		assert.DeepEqual(t, login.Reveal(), want)
	}
	for _, host := range []string{"broken.example.com", "garbage.example.com"} {
		login, err := Credentials{Config: file}.Lookup(t.Context(), host)
		assert.ErrorIs(t, err, manifest.ErrCredentials, host)
		assert.ErrorContains(t, err, host)
		assert.Assert(t, !strings.Contains(err.Error(), "\x1b"))
		assert.Assert(t, !login.Known())
	}
}

func TestAHelperOfOneRegistryGoesBeforeTheStore(t *testing.T) {
	t.Setenv(configfile.DockerEnvConfigKey, "")
	helper(t, "one", `cat >/dev/null; echo '{"ServerURL":"x","Username":"one","Secret":"pass"}'`)
	helper(t, "all", `cat >/dev/null; echo '{"ServerURL":"x","Username":"all","Secret":"pass"}'`)
	file := configfile.New(filepath.Join(t.TempDir(), "config.json"))
	file.CredentialsStore = "all"
	file.CredentialHelpers = map[string]string{"reg.example.com": "one"}
	for host, want := range map[string]string{"reg.example.com": "one", "other.example.com": "all"} {
		login, err := Credentials{Config: file}.Lookup(t.Context(), host)
		assert.NilError(t, err)
		assert.Equal(t, login.Reveal().Username, want)
	}
}

func TestAHelperThatIsNotThereIsAnError(t *testing.T) {
	t.Setenv(configfile.DockerEnvConfigKey, "")
	file := configfile.New(filepath.Join(t.TempDir(), "config.json"))
	file.CredentialsStore = "nowhere"
	_, err := Credentials{Config: file}.Lookup(t.Context(), "reg.example.com")
	assert.ErrorIs(t, err, manifest.ErrCredentials)
	assert.ErrorContains(t, err, "docker-credential-nowhere")
}

func TestAHelperThatHangsEndsWithTheBuild(t *testing.T) {
	t.Setenv(configfile.DockerEnvConfigKey, "")
	running := filepath.Join(t.TempDir(), "running")
	assert.NilError(t, syscall.Mkfifo(running, 0o600))
	helper(t, "test", "echo > "+running+"; exec sleep 1000")
	file := configfile.New(filepath.Join(t.TempDir(), "config.json"))
	file.CredentialsStore = "test"
	why := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		_, err := os.ReadFile(running) // returns when the helper writes into it
		assert.Check(t, err)
		cancel(why)
	}()
	started := time.Now()
	_, err := Credentials{Config: file}.Lookup(ctx, "reg.example.com")
	assert.ErrorIs(t, err, manifest.ErrCredentials)
	assert.ErrorIs(t, err, why)
	assert.Assert(t, time.Since(started) < helperTimeout/2)
}
