package manifest

import (
	"fmt"

	"github.com/opencontainers/go-digest"
)

// PublishOption changes how [Registry.Publish] and [Registry.Copy] write a tag.
type PublishOption func(*publication)

// Expecting has a tag written only in the place of before ("" for no such tag): it is [ErrChanged], and nothing is sent, if
// the tag has something else by then. The registry protocol has no way to make reading and writing one step, so another
// writer can still come between the two; it is found out if it writes after this one and before the proof.
func Expecting(before digest.Digest) PublishOption {
	return func(p *publication) { p.expected = &before }
}

func (p *publication) unexpected() *failure {
	return &failure{class: ErrChanged, cause: fmt.Errorf("it had %s, it has %s; nothing was published", orNothing(*p.expected), orNothing(p.before))}
}
