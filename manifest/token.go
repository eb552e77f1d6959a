package manifest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
)

// ErrNoToken means that a registry gives no tokens to this user: it takes the login itself, or there is none.
var ErrNoToken = errors.New("the registry gives no token")

// Token opens some of a registry for a while. Value is a secret; Life is how long it holds, 0 if the registry did not say.
type Token struct {
	Value string
	Life  time.Duration
}

// Token exchanges the user's login for a token that allows nothing but to pull from repositories of one registry, and to push
// to some of it too; they are not none. The registry itself is asked where tokens are made, and over TLS where that is demanded of it: the login
// goes there and nowhere else. The error is [ErrNoToken] or an *[Error].
func (r *Registry) Token(ctx context.Context, pull, push []reference.Named) (token Token, err error) {
	rep := r.repository(slices.Concat(pull, push)[0], false)
	scopes := make([]string, 0, len(pull)+len(push))
	for _, name := range pull {
		scopes = append(scopes, "repository:"+reference.Path(name)+":pull")
	}
	for _, name := range push {
		scopes = append(scopes, "repository:"+reference.Path(name)+":pull,push")
	}
	none := false
	err = rep.retry(ctx, task{op: "getting a token for", reference: rep.name.Name()}, func(ctx context.Context) error {
		s, login, challenge, err := rep.begin(ctx)
		if err != nil {
			return err
		}
		if none = s.anonymous || !strings.EqualFold(challenge.Scheme, "bearer"); none {
			return nil
		}
		if token.Value = login.Reveal().RegistryToken; token.Value != "" {
			return nil
		}
		answer, err := rep.exchange(ctx, s, login, challenge, scopes)
		if err == nil {
			token = Token{cmp.Or(answer.AccessToken, answer.Token), time.Duration(answer.ExpiresIn) * time.Second}
		}
		return err
	})
	if err == nil && none {
		err = ErrNoToken
	}
	return token, err
}
