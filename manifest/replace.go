package manifest

import (
	"context"
	"fmt"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// Replace is [Registry.Publish] for an index that was made from what target had: it is [ErrChanged], and nothing is sent,
// if target has something else by now than before ("" for no such tag). The registry protocol has no way to make reading
// and writing one step, so another writer can still come between the two; it is found out if it writes after this one and
// before the proof.
func (r *Registry) Replace(ctx context.Context, target reference.NamedTagged, idx Index, before digest.Digest) error {
	p := r.newPublication(target)
	p.expected = &before
	return p.publish(ctx, idx)
}

func (p *publication) unexpected() *failure {
	return &failure{class: ErrChanged, cause: fmt.Errorf("it had %s, it has %s; nothing was published", orNothing(*p.expected), orNothing(p.before))}
}
