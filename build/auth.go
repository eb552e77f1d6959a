package build

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/docker-multiarch/docker-multiarch/credential"
)

// ErrNoToken is returned by Tokens for a registry that gives none, or that this
// machine can't ask: its login is then what a node gets.
var ErrNoToken = errors.New("no token")

// Tokens exchanges the user's login at a registry for a token that allows this
// access, all of it there, and nothing else, and says how long it holds. It finds
// the token server by itself: where an engine says it is must not matter.
type Tokens func(ctx context.Context, access []Access) (token string, life time.Duration, err error)

// sessionAuth answers the engine's requests for access to registries while it
// builds. It knows the images that the build needs and answers for their
// registries alone: BuildKit's own provider gives an engine whatever credentials
// it asks for.
//
// Where a registry has tokens a node gets those, for these images only, and never
// the login. An engine's request names a token realm, a service and scopes
// too. The first two are ignored, so a dishonest engine can't have the password
// sent anywhere; of the scopes those are taken that the build needs.
type sessionAuth struct {
	credentials Credentials
	tokens      Tokens
	access      accesses
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
	login, access, err := s.login(ctx, host)
	if err != nil {
		return nil, err
	}
	if !login.Known() {
		return &auth.CredentialsResponse{}, nil
	}
	if _, _, err := s.token(ctx, access); status.Code(err) != codes.Unavailable {
		return nil, status.Error(codes.PermissionDenied, "this build gives tokens for "+host+", not its login")
	}
	s.given("the login for " + host)
	config := login.Reveal()
	if config.IdentityToken != "" {
		return &auth.CredentialsResponse{Secret: config.IdentityToken}, nil
	}
	return &auth.CredentialsResponse{Username: config.Username, Secret: config.Password}, nil
}

// GetTokenAuthority implements auth.AuthServer: Unavailable has the engine
// ask for the login, if there is one.
func (s *sessionAuth) GetTokenAuthority(ctx context.Context, req *auth.GetTokenAuthorityRequest) (*auth.GetTokenAuthorityResponse, error) {
	login, access, err := s.login(ctx, referenceHost(req.GetHost()))
	if err != nil {
		return nil, err
	}
	if !login.Known() {
		return nil, status.Error(codes.Unavailable, "there is no login")
	}
	if _, _, err := s.token(ctx, access); err != nil {
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
	login, access, err := s.login(ctx, host)
	if err != nil {
		return nil, err
	}
	access = access.asked(req.GetScopes())
	if !login.Known() || len(access) == 0 {
		return nil, status.Error(codes.PermissionDenied, "this build needs nothing of that at "+host)
	}
	token, life, err := s.token(ctx, access)
	if err != nil {
		return nil, err
	}
	for _, a := range access {
		right := "pull "
		if a.Push {
			right = "pull and push "
		}
		s.given("a token to " + right + reference.FamiliarName(a.Repository))
	}
	return &auth.FetchTokenResponse{Token: token, ExpiresIn: int64(life.Seconds())}, nil
}

// login returns the login for a host and what the build needs there; nothing for
// a host where that is nothing.
func (s *sessionAuth) login(ctx context.Context, host string) (credential.Login, accesses, error) {
	access := s.access.at(host)
	if len(access) == 0 {
		return credential.Login{}, nil, nil
	}
	login, err := s.credentials(ctx, host)
	if err != nil {
		s.fail(err)
		return credential.Login{}, nil, status.Error(codes.Unauthenticated, "credentials can't be read")
	}
	return login, access, nil
}

// token takes a token. Its error is Unavailable where there are none; any other
// ends the build.
func (s *sessionAuth) token(ctx context.Context, access accesses) (string, time.Duration, error) {
	token, life, err := s.tokens(ctx, access)
	switch {
	case errors.Is(err, ErrNoToken):
		return "", 0, status.Error(codes.Unavailable, "there are no tokens")
	case err != nil:
		s.fail(err)
		return "", 0, status.Error(codes.Unauthenticated, "no token could be had")
	}
	return token, life, nil
}

func referenceHost(host string) string {
	if host == hubRegistry {
		return hubReference
	}
	return host
}
