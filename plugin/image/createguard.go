package image

import (
	"context"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/manifest"
)

// guard notes what the targets have before anything else is read.
func (c *creation) guard(ctx context.Context) error {
	if !c.input.guard.On {
		return nil
	}
	c.before = map[string]digest.Digest{}
	for _, target := range c.input.targets {
		has, _, err := c.input.guard.Resolve(ctx, c.registry, target)
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
