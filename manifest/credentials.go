package manifest

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
)

// Credentials answers with the user's stored login for a registry host, or with a zero AuthConfig if there is none.
// *configfile.ConfigFile satisfies it. (authn.DefaultKeychain would not do: it ignores `docker --config`.)
type Credentials interface {
	GetAuthConfig(registryHostname string) (types.AuthConfig, error)
}

const (
	dockerHub = "docker.io"
	// dockerHubKey is the name under which Docker has always stored the login of Docker Hub.
	dockerHubKey = "https://index.docker.io/v1/"
	// helperTimeout leaves the user time to unlock a keychain.
	helperTimeout = 30 * time.Second
)

// lookup reads the login for host. A credential helper is a program that can fail or hang: a failure is never taken for
// "anonymous" (CVE-2021-41092), and a helper that hangs is left behind when ctx ends.
func lookup(ctx context.Context, creds Credentials, host string) (authn.AuthConfig, error) {
	if creds == nil {
		return authn.AuthConfig{}, nil
	}
	if host == dockerHub {
		host = dockerHubKey
	}
	ctx, cancel := context.WithTimeoutCause(ctx, helperTimeout, fmt.Errorf("credential helper: no answer in %s", helperTimeout))
	defer cancel()
	type answer struct {
		config types.AuthConfig
		err    error
	}
	got := make(chan answer, 1)
	go func() {
		config, err := creds.GetAuthConfig(host)
		got <- answer{config, err}
	}()
	select {
	case <-ctx.Done():
		return authn.AuthConfig{}, context.Cause(ctx)
	case a := <-got:
		return authn.AuthConfig{
			Username:      a.config.Username,
			Password:      a.config.Password,
			Auth:          a.config.Auth,
			IdentityToken: a.config.IdentityToken,
			RegistryToken: a.config.RegistryToken,
		}, a.err
	}
}
