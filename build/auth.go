package build

import (
	"context"
	"slices"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// sessionAuth answers the engine's requests for credentials while it builds.
// It knows the hosts of the base images and answers for no other: BuildKit's
// own provider gives an engine whatever credentials it asks for.
//
// It offers no client-side tokens. With those the engine names the token realm
// to which this side would send the password, so a dishonest engine could have
// it sent anywhere.
type sessionAuth struct {
	auth.UnimplementedAuthServer
	credentials Credentials
	hosts       []string
	// fail ends the build. BuildKit would ask again and again for a login that
	// can't be read.
	fail context.CancelCauseFunc
	// given is told of each login that the node gets.
	given func(host string)
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
	host := req.GetHost()
	if host == hubRegistry {
		host = hubReference
	}
	if !slices.Contains(s.hosts, host) {
		return &auth.CredentialsResponse{}, nil
	}
	login, err := s.credentials(ctx, host)
	if err != nil {
		s.fail(err)
		return nil, status.Error(codes.Unauthenticated, "credentials can't be read")
	}
	if login != (types.AuthConfig{}) && s.given != nil {
		s.given(host)
	}
	if login.IdentityToken != "" {
		return &auth.CredentialsResponse{Secret: login.IdentityToken}, nil
	}
	return &auth.CredentialsResponse{Username: login.Username, Secret: login.Password}, nil
}

// GetTokenAuthority implements auth.AuthServer: Unavailable has the engine
// fetch its tokens itself.
func (*sessionAuth) GetTokenAuthority(context.Context, *auth.GetTokenAuthorityRequest) (*auth.GetTokenAuthorityResponse, error) {
	return nil, status.Error(codes.Unavailable, "client-side tokens are not offered")
}
