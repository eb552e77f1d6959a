package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/docker/docker-credential-helpers/client"
	helpers "github.com/docker/docker-credential-helpers/credentials"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/credential"
	"github.com/docker-multiarch/docker-multiarch/manifest"
)

const (
	// helperTimeout is how long a credential helper may take: long enough to
	// unlock a keychain.
	helperTimeout = 30 * time.Second
	// helperDelay is how long after its end its output may stay open.
	helperDelay = time.Second
	// hubLogin is the name under which Docker has always stored the login of
	// Docker Hub, whose references say docker.io.
	hubLogin = "https://index.docker.io/v1/"
	// tokenUser is the user name that marks a password as an identity token.
	tokenUser = "<token>"
)

// Credentials looks logins up in the user's Docker configuration, each time
// anew: a helper's tokens may live for minutes only.
type Credentials struct{ Config *configfile.ConfigFile }

// Lookup returns the login for host; the zero value when there is none. A helper
// that fails is an error: going on without a login would hide it. It is run
// here and not by docker/cli, which has no way to stop one that hangs.
func (c Credentials) Lookup(ctx context.Context, host string) (credential.Login, error) {
	if host == "docker.io" {
		host = hubLogin
	}
	config, err := c.read(ctx, host)
	if err != nil {
		return credential.Login{}, fmt.Errorf("%w: %s: %w", manifest.ErrCredentials, host, err)
	}
	return credential.New(config), nil
}

func (c Credentials) read(ctx context.Context, host string) (types.AuthConfig, error) {
	helper := c.Config.CredentialHelpers[host]
	if helper == "" {
		helper = c.Config.CredentialsStore
	}
	if helper == "" || os.Getenv(configfile.DockerEnvConfigKey) != "" {
		return c.Config.GetAuthConfig(host)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, helperTimeout, fmt.Errorf("credential helper %q gives no answer", helper))
	defer cancel()
	found, err := client.Get(helperProgram(ctx, helper), host)
	switch {
	case helpers.IsErrCredentialsNotFound(err):
		return types.AuthConfig{}, nil
	case ctx.Err() != nil:
		return types.AuthConfig{}, context.Cause(ctx)
	case err != nil:
		return types.AuthConfig{}, errors.New(progress.Clean(err.Error()))
	case found.Username == tokenUser:
		return types.AuthConfig{IdentityToken: found.Secret, ServerAddress: found.ServerURL}, nil
	}
	return types.AuthConfig{Username: found.Username, Password: found.Secret, ServerAddress: found.ServerURL}, nil
}

// program is a credential helper that ends with its context.
type program struct{ *exec.Cmd }

// helperProgram names the program as docker does.
func helperProgram(ctx context.Context, helper string) client.ProgramFunc {
	return func(args ...string) client.Program {
		cmd := exec.CommandContext(ctx, "docker-credential-"+helper, args...) //nolint:gosec // it is the user's own configuration that names it
		cmd.WaitDelay = helperDelay
		return program{cmd}
	}
}

// Input implements client.Program.
func (p program) Input(in io.Reader) { p.Stdin = in }
