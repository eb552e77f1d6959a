package plugin

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/cli/cli/config/types"

	"github.com/docker-multiarch/docker-multiarch/manifest"
)

// helperTimeout is how long a credential helper may take. Helpers can wait for
// a keychain that asks the user, or hang.
const helperTimeout = 30 * time.Second

// credentials looks logins up in the user's Docker configuration, each time
// anew: a helper's tokens may live for minutes only.
type credentials struct{ config manifest.Credentials }

// lookup returns the login for host; an empty one when there is none. A helper
// that fails is an error: going on without a login would hide it.
func (c credentials) lookup(ctx context.Context, host string) (types.AuthConfig, error) {
	ctx, cancel := context.WithTimeout(ctx, helperTimeout)
	defer cancel()
	type answer struct {
		login types.AuthConfig
		err   error
	}
	answers := make(chan answer, 1)
	// Nobody can stop a helper that docker/cli started; if it hangs this
	// goroutine stays until the process ends.
	go func() {
		login, err := c.config.GetAuthConfig(host)
		answers <- answer{login, err}
	}()
	select {
	case a := <-answers:
		if a.err != nil {
			return a.login, fmt.Errorf("%w: %s: %w", manifest.ErrCredentials, host, a.err)
		}
		return a.login, nil
	case <-ctx.Done():
		return types.AuthConfig{}, fmt.Errorf("%w: %s: the credential helper gives no answer: %w", manifest.ErrCredentials, host, context.Cause(ctx))
	}
}
