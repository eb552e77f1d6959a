package build

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/credential"
)

// logins are what a user's configuration has.
func logins(t *testing.T) Credentials {
	t.Helper()
	return func(_ context.Context, host string) (credential.Login, error) {
		return credential.New(map[string]types.AuthConfig{
			"docker.io":         {Username: "hub", Password: "secret"},
			"reg.example.com":   {Username: "me", Password: "pass"},
			"token.example.com": {Username: "me", IdentityToken: "identity"},
			"other.example.com": {Username: "never", Password: "never"},
		}[host]), nil
	}
}

// pulls are images that are pulled from; "+" in front is pushed to as well.
func pulls(names ...string) (all accesses) {
	for _, name := range names {
		name, push := strings.CutPrefix(name, "+")
		all.add(mustTag(name), push)
	}
	return all
}

// noTokens is a registry that gives none.
func noTokens(context.Context, []Access) (string, time.Duration, error) {
	return "", 0, ErrNoToken
}

// newAuth is what a build of these base images tells an engine; what it gave is in the list.
func newAuth(t *testing.T, tokens Tokens, names ...string) (s *sessionAuth, given *[]string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	assert.NilError(t, err)
	given = &[]string{}
	return &sessionAuth{
		credentials: logins(t), tokens: tokens, access: pulls(names...), key: key,
		fail:  func(err error) { t.Errorf("the build is ended: %v", err) },
		given: func(what string) { *given = append(*given, what) },
	}, given
}

func TestAnEngineGetsTheLoginsOfTheBaseImagesAndNoOther(t *testing.T) {
	t.Parallel()
	s, given := newAuth(t, noTokens, "busybox:1", "reg.example.com/a:1", "reg.example.com/b:1", "token.example.com/a:1", "anonymous.example.com/a:1")
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
		_, err = s.GetTokenAuthority(t.Context(), &auth.GetTokenAuthorityRequest{Host: c.host})
		assert.Equal(t, status.Code(err), codes.Unavailable, c.host)
	}
	assert.DeepEqual(t, *given, []string{"the login for docker.io", "the login for docker.io", "the login for reg.example.com", "the login for token.example.com"})
}

func TestAnEngineOfABuildWithoutBaseImagesGetsNoLogin(t *testing.T) {
	t.Parallel()
	s := &sessionAuth{credentials: func(context.Context, string) (credential.Login, error) {
		t.Error("the configuration was read")
		return credential.Login{}, nil
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
	s, _ := newAuth(t, noTokens, "reg.example.com/a:1")
	s.credentials = func(context.Context, string) (credential.Login, error) {
		return credential.New(types.AuthConfig{Username: "me"}), why
	}
	s.fail = func(err error) { ended = err }
	answer, err := s.Credentials(t.Context(), &auth.CredentialsRequest{Host: "reg.example.com"})
	assert.Assert(t, answer == nil)
	assert.Equal(t, status.Code(err), codes.Unauthenticated)
	assert.Equal(t, status.Convert(err).Message(), "credentials can't be read")
	assert.ErrorIs(t, ended, why)
}

// pullTokens tells in the token what it is for.
func pullTokens(_ context.Context, access []Access) (string, time.Duration, error) {
	token := "for"
	for _, a := range access {
		token += " " + a.Repository.String()
		if a.Push {
			token += "+"
		}
	}
	return token, 5 * time.Minute, nil
}

func TestWhereThereAreTokensAnEngineNeverGetsTheLogin(t *testing.T) {
	t.Parallel()
	s, given := newAuth(t, pullTokens, "reg.example.com/a:1", "reg.example.com/a:2", "reg.example.com/b:1", "busybox:1", "anonymous.example.com/a:1", "+reg.example.com/cache:1")
	authority, err := s.GetTokenAuthority(t.Context(), &auth.GetTokenAuthorityRequest{Host: "reg.example.com"})
	assert.NilError(t, err)
	signed, err := s.VerifyTokenAuthority(t.Context(), &auth.VerifyTokenAuthorityRequest{Host: "reg.example.com", Payload: []byte("payload")})
	assert.NilError(t, err)
	text := signed.GetSigned()
	assert.Assert(t, ed25519.Verify(authority.GetPublicKey(), text[ed25519.SignatureSize:], text[:ed25519.SignatureSize]))
	assert.Equal(t, string(text[ed25519.SignatureSize:]), "payload")

	answer, err := s.Credentials(t.Context(), &auth.CredentialsRequest{Host: "reg.example.com"})
	assert.Equal(t, status.Code(err), codes.PermissionDenied)
	assert.Equal(t, answer.GetSecret(), "")

	for _, c := range []struct {
		host   string
		scopes []string
		token  string
	}{
		{"reg.example.com", []string{"repository:a:pull"}, "for reg.example.com/a"},
		{"reg.example.com", []string{"repository:a:pull repository:b:pull"}, "for reg.example.com/a reg.example.com/b"},
		{"registry-1.docker.io", []string{"repository:library/busybox:pull"}, "for docker.io/library/busybox"},
		{"reg.example.com", []string{"repository:cache:pull,push"}, "for reg.example.com/cache+"},
		{"reg.example.com", []string{"repository:cache:pull"}, "for reg.example.com/cache"},
		// What goes beyond the build is left out.
		{"reg.example.com", []string{"repository:a:pull,push,delete", "repository:secret:pull", "registry:catalog:*"}, "for reg.example.com/a"},
		{"reg.example.com", []string{"repository:secret:pull"}, ""},
		{"reg.example.com", []string{"registry:catalog:*", "a", "", "repository:a"}, ""},
		{"reg.example.com", nil, ""},
		{"other.example.com", []string{"repository:a:pull"}, ""},
		{"anonymous.example.com", []string{"repository:a:pull"}, ""},
	} {
		answer, err := s.FetchToken(t.Context(), &auth.FetchTokenRequest{Host: c.host, Scopes: c.scopes, Realm: "https://evil.example/token", Service: "evil"})
		assert.Equal(t, answer.GetToken(), c.token, "%s %q", c.host, c.scopes)
		if c.token == "" {
			assert.Equal(t, status.Code(err), codes.PermissionDenied)
		} else {
			assert.Equal(t, answer.GetExpiresIn(), int64(300))
		}
	}
	assert.DeepEqual(t, (*given)[:3], []string{"a token to pull reg.example.com/a", "a token to pull reg.example.com/a", "a token to pull reg.example.com/b"})
}

func TestATokenThatIsRefusedEndsTheBuild(t *testing.T) {
	t.Parallel()
	why := errors.New("unauthorized: user me of /home/me")
	var ended error
	s, given := newAuth(t, func(context.Context, []Access) (string, time.Duration, error) { return "", 0, why }, "reg.example.com/a:1")
	s.fail = func(err error) { ended = err }
	_, err := s.GetTokenAuthority(t.Context(), &auth.GetTokenAuthorityRequest{Host: "reg.example.com"})
	assert.Equal(t, status.Convert(err).Message(), "no token could be had")
	assert.ErrorIs(t, ended, why)
	assert.Equal(t, len(*given), 0)
}
