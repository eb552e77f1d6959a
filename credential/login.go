package credential

import (
	"fmt"

	"github.com/docker/cli/cli/config/types"
)

// hidden is all that is ever printed of a login.
const hidden = "(a login, not shown)"

// Login is a user's login at one registry. The zero value is none. However it is
// printed or encoded, alone or in something else, nothing of it is seen. That it
// is a function is for fmt, which does not ask unexported fields how they want to
// be printed and follows pointers.
type Login struct{ reveal func() types.AuthConfig }

// New returns a login as Docker's configuration has it; none if that is empty.
func New(config types.AuthConfig) Login {
	if config == (types.AuthConfig{}) {
		return Login{}
	}
	return Login{func() types.AuthConfig { return config }}
}

// Known says whether there is a login.
func (l Login) Known() bool { return l.reveal != nil }

// Reveal returns the login for who sends it to its registry, or to a node that
// does.
func (l Login) Reveal() types.AuthConfig {
	if l.reveal == nil {
		return types.AuthConfig{}
	}
	return l.reveal()
}

// Format implements fmt.Formatter, for all verbs and flags.
func (Login) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, hidden) }

// String implements fmt.Stringer.
func (Login) String() string { return hidden }

// GoString implements fmt.GoStringer.
func (Login) GoString() string { return hidden }

// MarshalText implements encoding.TextMarshaler, which JSON, YAML and log/slog
// go by too.
func (Login) MarshalText() ([]byte, error) { return []byte(hidden), nil }
