package manifest

import (
	"context"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/docker-multiarch/docker-multiarch/credential"
)

// Credentials answers with the user's stored login for a registry host, or with the zero value if there is none. It is
// asked anew whenever a registry refuses what it said before. (authn.DefaultKeychain would not do: it ignores
// `docker --config`.)
type Credentials func(ctx context.Context, host string) (credential.Login, error)

// lookup reads the login for host. A failure is never taken for "anonymous" (CVE-2021-41092).
func lookup(ctx context.Context, creds Credentials, host string) (credential.Login, error) {
	if creds == nil {
		return credential.Login{}, nil
	}
	return creds(ctx, host)
}

// authenticator is a login for go-containerregistry.
func authenticator(l credential.Login) authn.Authenticator {
	if !l.Known() {
		return authn.Anonymous
	}
	config := l.Reveal()
	return authn.FromConfig(authn.AuthConfig{
		Username:      config.Username,
		Password:      config.Password,
		Auth:          config.Auth,
		IdentityToken: config.IdentityToken,
		RegistryToken: config.RegistryToken,
	})
}
