package manifest

import (
	"context"

	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
)

// Credentials answers with the user's stored login for a registry host, or with a zero AuthConfig if there is none. It is
// asked anew whenever a registry refuses what it said before. (authn.DefaultKeychain would not do: it ignores
// `docker --config`.)
type Credentials func(ctx context.Context, host string) (types.AuthConfig, error)

// lookup reads the login for host. A failure is never taken for "anonymous" (CVE-2021-41092).
func lookup(ctx context.Context, creds Credentials, host string) (authn.AuthConfig, error) {
	if creds == nil {
		return authn.AuthConfig{}, nil
	}
	config, err := creds(ctx, host)
	return authn.AuthConfig{
		Username:      config.Username,
		Password:      config.Password,
		Auth:          config.Auth,
		IdentityToken: config.IdentityToken,
		RegistryToken: config.RegistryToken,
	}, err
}
