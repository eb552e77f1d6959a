package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// guardStart is what --if-unchanged means without a value.
const guardStart = "start"

// Guard is what --if-unchanged says: a target is published only if it still has
// what it had at the start of the run, or that digest.
type Guard struct {
	On   bool
	want digest.Digest // "" is whatever it had at the start
}

// AddIfUnchanged adds the flag --if-unchanged.
func AddIfUnchanged(cmd *cobra.Command, value *string) {
	flags := cmd.Flags()
	flags.StringVar(value, "if-unchanged", "", "Publish only if the targets still have what they had at the start, or this `digest`")
	flags.Lookup("if-unchanged").NoOptDefVal = guardStart
}

// NewGuard reads the value of --if-unchanged.
func NewGuard(value string) (Guard, error) {
	if value == "" || value == guardStart {
		return Guard{On: value == guardStart}, nil
	}
	want, err := digest.Parse(value)
	if err != nil {
		return Guard{}, argument.Wrong(fmt.Errorf("invalid --if-unchanged %q: want a digest such as sha256:…", value))
	}
	return Guard{On: true, want: want}, nil
}

// check compares what a target has at the start of the run; "" is no such tag.
func (g Guard) check(target reference.Named, has digest.Digest) error {
	if g.want == "" || g.want == has {
		return nil
	}
	if has == "" {
		has = "nothing"
	}
	return fmt.Errorf("%s: %w: it has %s, not %s", reference.FamiliarString(target), manifest.ErrChanged, has, g.want)
}

// Resolve looks up what a target has at the start of the run, and checks it.
func (g Guard) Resolve(ctx context.Context, registry *manifest.Registry, target reference.Named) (digest.Digest, []ocispec.Platform, error) {
	desc, platforms, err := registry.Resolve(ctx, target)
	if err != nil && !errors.Is(err, manifest.ErrNotFound) {
		return "", nil, err
	}
	return desc.Digest, platforms, g.check(target, desc.Digest)
}
