package build

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrNoToken is returned by Tokens for a registry that gives none, or that this
// machine can't ask: its login is then what a node gets.
var ErrNoToken = errors.New("no token")

// Tokens exchanges the user's login at a registry for a token that allows to pull
// from repositories of it and nothing else, and says how long it holds. It finds
// the token server by itself: where an engine says it is must not matter.
type Tokens func(ctx context.Context, repositories []reference.Named) (token string, life time.Duration, err error)

// sessionAuth answers the engine's requests for access to registries while it
// builds. It knows the base images and answers for their registries alone:
// BuildKit's own provider gives an engine whatever credentials it asks for.
//
// Where a registry has tokens a node gets those, for the base images only, and
// never the login. An engine's request names a token realm, a service and scopes
// too. The first two are ignored, so a dishonest engine can't have the password
// sent anywhere; of the scopes those are taken that the build needs.
type sessionAuth struct {
	credentials Credentials
	tokens      Tokens
	bases       []reference.Named
	// key proves to an engine that a later request is of this build. No other
	// build shares what the engine holds for it.
	key ed25519.PrivateKey
	// fail ends the build. BuildKit would ask again and again for a login that
	// can't be read.
	fail context.CancelCauseFunc
	// given is told of what the node gets: "the login for HOST".
	given func(what string)
}

// Docker Hub's registry answers on another host than the one in references,
// and under which logins are stored.
const (
	hubRegistry  = "registry-1.docker.io"
	hubReference = "docker.io"
)

// Register implements session.Attachable.
func (s *sessionAuth) Register(server *grpc.Server) { auth.RegisterAuthServer(server, s) }

// Credentials implements auth.AuthServer.
func (s *sessionAuth) Credentials(ctx context.Context, req *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	host := referenceHost(req.GetHost())
	login, repositories, err := s.login(ctx, host)
	if err != nil {
		return nil, err
	}
	if login == (types.AuthConfig{}) {
		return &auth.CredentialsResponse{}, nil
	}
	if _, _, err := s.token(ctx, repositories); status.Code(err) != codes.Unavailable {
		return nil, status.Error(codes.PermissionDenied, "this build gives tokens for "+host+", not its login")
	}
	s.given("the login for " + host)
	if login.IdentityToken != "" {
		return &auth.CredentialsResponse{Secret: login.IdentityToken}, nil
	}
	return &auth.CredentialsResponse{Username: login.Username, Secret: login.Password}, nil
}

// GetTokenAuthority implements auth.AuthServer: Unavailable has the engine
// ask for the login, if there is one.
func (s *sessionAuth) GetTokenAuthority(ctx context.Context, req *auth.GetTokenAuthorityRequest) (*auth.GetTokenAuthorityResponse, error) {
	login, repositories, err := s.login(ctx, referenceHost(req.GetHost()))
	if err != nil {
		return nil, err
	}
	if login == (types.AuthConfig{}) {
		return nil, status.Error(codes.Unavailable, "there is no login")
	}
	if _, _, err := s.token(ctx, repositories); err != nil {
		return nil, err
	}
	return &auth.GetTokenAuthorityResponse{PublicKey: s.key.Public().(ed25519.PublicKey)}, nil
}

// VerifyTokenAuthority implements auth.AuthServer. The answer is in NaCl's form of
// a signed message: the signature and then the message.
func (s *sessionAuth) VerifyTokenAuthority(_ context.Context, req *auth.VerifyTokenAuthorityRequest) (*auth.VerifyTokenAuthorityResponse, error) {
	return &auth.VerifyTokenAuthorityResponse{Signed: append(ed25519.Sign(s.key, req.GetPayload()), req.GetPayload()...)}, nil
}

// FetchToken implements auth.AuthServer.
func (s *sessionAuth) FetchToken(ctx context.Context, req *auth.FetchTokenRequest) (*auth.FetchTokenResponse, error) {
	host := referenceHost(req.GetHost())
	login, repositories, err := s.login(ctx, host)
	if err != nil {
		return nil, err
	}
	repositories = slices.DeleteFunc(repositories, func(r reference.Named) bool { return !asked(req.GetScopes(), r) })
	if login == (types.AuthConfig{}) || len(repositories) == 0 {
		return nil, status.Error(codes.PermissionDenied, "this build needs nothing of that at "+host)
	}
	token, life, err := s.token(ctx, repositories)
	if err != nil {
		return nil, err
	}
	for _, r := range repositories {
		s.given("a token to pull " + reference.FamiliarName(r))
	}
	return &auth.FetchTokenResponse{Token: token, ExpiresIn: int64(life.Seconds())}, nil
}

// login returns the login for a host and the repositories there that base images
// are in; nothing for a host without any.
func (s *sessionAuth) login(ctx context.Context, host string) (types.AuthConfig, []reference.Named, error) {
	var repositories []reference.Named
	for _, base := range s.bases {
		base = reference.TrimNamed(base)
		if reference.Domain(base) == host && !slices.ContainsFunc(repositories, func(r reference.Named) bool { return r.Name() == base.Name() }) {
			repositories = append(repositories, base)
		}
	}
	if len(repositories) == 0 {
		return types.AuthConfig{}, nil, nil
	}
	login, err := s.credentials(ctx, host)
	if err != nil {
		s.fail(err)
		return types.AuthConfig{}, nil, status.Error(codes.Unauthenticated, "credentials can't be read")
	}
	return login, repositories, nil
}

// token takes a token. Its error is Unavailable where there are none; any other
// ends the build.
func (s *sessionAuth) token(ctx context.Context, repositories []reference.Named) (string, time.Duration, error) {
	token, life, err := s.tokens(ctx, repositories)
	switch {
	case errors.Is(err, ErrNoToken):
		return "", 0, status.Error(codes.Unavailable, "there are no tokens")
	case err != nil:
		s.fail(err)
		return "", 0, status.Error(codes.Unauthenticated, "no token could be had")
	}
	return token, life, nil
}

// asked tells whether scopes, as in the registry's token specification, are about
// a repository.
func asked(scopes []string, r reference.Named) bool {
	for _, scope := range strings.Fields(strings.Join(scopes, " ")) {
		kind, rest, _ := strings.Cut(scope, ":")
		if name, _, ok := strings.Cut(rest, ":"); ok && kind == "repository" && name == reference.Path(r) {
			return true
		}
	}
	return false
}

func referenceHost(host string) string {
	if host == hubRegistry {
		return hubReference
	}
	return host
}
