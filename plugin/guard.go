package plugin

import (
	"context"
	"errors"
	"fmt"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/manifest"
)

// guardStart is what --if-unchanged means without a value.
const guardStart = "start"

// guard is what --if-unchanged says: a target is published only if it still has
// what it had at the start of the run, or that digest.
type guard struct {
	on   bool
	want digest.Digest // "" is whatever it had at the start
}

func addIfUnchanged(cmd *cobra.Command, value *string) {
	flags := cmd.Flags()
	flags.StringVar(value, "if-unchanged", "", "Publish only if the targets still have what they had at the start, or this `digest`")
	flags.Lookup("if-unchanged").NoOptDefVal = guardStart
}

func newGuard(value string) (guard, error) {
	if value == "" || value == guardStart {
		return guard{on: value == guardStart}, nil
	}
	want, err := digest.Parse(value)
	if err != nil {
		return guard{}, usage(fmt.Errorf("invalid --if-unchanged %q: want a digest such as sha256:…", value))
	}
	return guard{on: true, want: want}, nil
}

// check compares what a target has at the start of the run; "" is no such tag.
func (g guard) check(target reference.Named, has digest.Digest) error {
	if g.want == "" || g.want == has {
		return nil
	}
	if has == "" {
		has = "nothing"
	}
	return fmt.Errorf("%s: %w: it has %s, not %s", reference.FamiliarString(target), manifest.ErrChanged, has, g.want)
}

// resolve looks up what a target has at the start of the run, and checks it.
func (g guard) resolve(ctx context.Context, registry *manifest.Registry, target reference.Named) (digest.Digest, []ocispec.Platform, error) {
	desc, platforms, err := registry.Resolve(ctx, target)
	if err != nil && !errors.Is(err, manifest.ErrNotFound) {
		return "", nil, err
	}
	return desc.Digest, platforms, g.check(target, desc.Digest)
}

// guard notes what the targets have before anything else is read.
func (c *creation) guard(ctx context.Context) error {
	if !c.input.guard.on {
		return nil
	}
	c.before = map[string]digest.Digest{}
	for _, target := range c.input.targets {
		has, _, err := c.input.guard.resolve(ctx, c.registry, target)
		if err != nil {
			return err
		}
		c.before[target.String()] = has
	}
	return nil
}

// expecting is what --if-unchanged says of a target.
func (c *creation) expecting(target reference.Named) []manifest.PublishOption {
	if had, guarded := c.before[target.String()]; guarded {
		return []manifest.PublishOption{manifest.Expecting(had)}
	}
	return nil
}
