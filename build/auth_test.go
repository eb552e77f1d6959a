package build

import (
	"context"
	"errors"
	"testing"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"gotest.tools/v3/assert"
)

// logins are what a user's configuration has.
func logins(t *testing.T) Credentials {
	t.Helper()
	return func(_ context.Context, host string) (types.AuthConfig, error) {
		return map[string]types.AuthConfig{
			"docker.io":         {Username: "hub", Password: "secret"},
			"reg.example.com":   {Username: "me", Password: "pass"},
			"token.example.com": {Username: "me", IdentityToken: "identity"},
			"other.example.com": {Username: "never", Password: "never"},
		}[host], nil
	}
}

func TestAnEngineGetsTheLoginsOfTheBaseImagesAndNoOther(t *testing.T) {
	t.Parallel()
	s := &sessionAuth{
		credentials: logins(t), hosts: []string{"docker.io", "reg.example.com", "token.example.com", "anonymous.example.com"},
		fail: func(err error) { t.Errorf("the build is ended: %v", err) },
	}
	for _, c := range []struct{ host, username, secret string }{
		{"registry-1.docker.io", "hub", "secret"},
		{"docker.io", "hub", "secret"},
		{"reg.example.com", "me", "pass"},
		// An identity token goes without a name.
		{"token.example.com", "", "identity"},
		{"anonymous.example.com", "", ""},
		{"other.example.com", "", ""},
		{"index.docker.io", "", ""},
		{"reg.example.com:443", "", ""},
		{"reg.example.com.evil.example", "", ""},
		{"REG.example.com", "", ""},
		{"", "", ""},
	} {
		answer, err := s.Credentials(t.Context(), &auth.CredentialsRequest{Host: c.host})
		assert.NilError(t, err, c.host)
		assert.Equal(t, answer.GetUsername(), c.username, c.host)
		assert.Equal(t, answer.GetSecret(), c.secret, c.host)
	}
}

func TestAnEngineOfABuildWithoutBaseImagesGetsNoLogin(t *testing.T) {
	t.Parallel()
	s := &sessionAuth{credentials: func(context.Context, string) (types.AuthConfig, error) {
		t.Error("the configuration was read")
		return types.AuthConfig{}, nil
	}}
	for _, host := range []string{"registry-1.docker.io", "docker.io", ""} {
		answer, err := s.Credentials(t.Context(), &auth.CredentialsRequest{Host: host})
		assert.NilError(t, err)
		assert.Equal(t, answer.GetUsername()+answer.GetSecret(), "")
	}
}

func TestALoginThatCannotBeReadEndsTheBuildAndTellsTheEngineNothing(t *testing.T) {
	t.Parallel()
	why := errors.New("helper of /home/me failed")
	var ended error
	s := &sessionAuth{
		credentials: func(context.Context, string) (types.AuthConfig, error) { return types.AuthConfig{Username: "me"}, why },
		hosts:       []string{"reg.example.com"}, fail: func(err error) { ended = err },
	}
	answer, err := s.Credentials(t.Context(), &auth.CredentialsRequest{Host: "reg.example.com"})
	assert.Assert(t, answer == nil)
	assert.Equal(t, status.Code(err), codes.Unauthenticated)
	assert.Equal(t, status.Convert(err).Message(), "credentials can't be read")
	assert.ErrorIs(t, ended, why)
}

func TestNoTokenIsFetchedForAnEngine(t *testing.T) {
	t.Parallel()
	s := &sessionAuth{credentials: logins(t), hosts: []string{"reg.example.com"}}
	_, err := s.GetTokenAuthority(t.Context(), &auth.GetTokenAuthorityRequest{Host: "reg.example.com"})
	assert.Equal(t, status.Code(err), codes.Unavailable)
	_, err = s.FetchToken(t.Context(), &auth.FetchTokenRequest{Host: "reg.example.com", Realm: "https://evil.example/token"})
	assert.Equal(t, status.Code(err), codes.Unimplemented, "the engine names the realm, and the password would go there")
	_, err = s.VerifyTokenAuthority(t.Context(), &auth.VerifyTokenAuthorityRequest{Host: "reg.example.com"})
	assert.Equal(t, status.Code(err), codes.Unimplemented)
}
