package builder

import (
	"context"
	"fmt"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/node"
)

// buildNodes loads and probes the nodes of a build, no longer than it takes to
// know who builds what.
func (s *session) buildNodes(ctx context.Context, cmd *cobra.Command) (contexts.Nodes, error) {
	in, c := s.input, s.config
	if !in.options.noHooks {
		if err := c.Own(); err != nil {
			return nil, err
		}
	}
	nodes, err := node.Load(s.cli, cmd, c, in.nodes)
	if err != nil {
		return nil, err
	}
	if len(in.nodes) == 0 {
		nodes.Order(c.Names(), node.RecentNodes(s.history, projectKey(in.options.dir)))
	}
	for _, pin := range in.pins {
		if slices.ContainsFunc(nodes, func(n *contexts.Node) bool { return n.Name == pin.Node }) {
			continue
		}
		pinned, err := node.Load(s.cli, cmd, c, []string{pin.Node})
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, pinned...)
	}
	if err := relayFor(nodes, in.options.relays); err != nil {
		return nodes, err
	}
	node.ApplyHistory(s.history, nodes, in.nodes)
	for _, n := range nodes {
		n.HyperV = in.hyperV()
	}
	if err := nodes.Probe(ctx, enough(in)); err != nil {
		return nodes, err
	}
	findSleeping(nodes, c, in)
	node.NoteProbes(s.history, nodes)
	return nodes, allowEmulation(ctx, nodes, in)
}

// relayFor marks the nodes that --relay names.
func relayFor(nodes contexts.Nodes, names []string) error {
	for _, name := range names {
		i := slices.IndexFunc(nodes, func(n *contexts.Node) bool { return n.Name == name })
		if i < 0 {
			return argument.Wrong(fmt.Errorf("--relay: %q is not a node of this build", name))
		}
		nodes[i].Relay = true
	}
	return nil
}

// enough ends the probing when every platform asked for has a native node that
// no node still silent would come before. Without --platform every answer
// counts.
func enough(in *input) func(contexts.Nodes) bool {
	if len(in.platforms) == 0 || len(in.pins) > 0 {
		return nil
	}
	return func(nodes contexts.Nodes) bool {
		for _, p := range in.platforms {
			if !settled(nodes, p) {
				return false
			}
		}
		return true
	}
}

func settled(nodes contexts.Nodes, p ocispec.Platform) bool {
	for _, n := range nodes {
		switch {
		case n.Match(p) == contexts.Native:
			return true
		case n.Err == nil && !n.Usable():
			return false
		}
	}
	return false
}

// allowEmulation notes which platforms each node may emulate: those that the
// user allows and that its BuildKit offers. Only then is BuildKit asked.
func allowEmulation(ctx context.Context, nodes contexts.Nodes, in *input) error {
	if !in.emulateAll && len(in.emulate) == 0 {
		return nil
	}
	asking, ctx := errgroup.WithContext(ctx)
	for _, n := range nodes {
		if !n.Usable() || n.Engine.Builder != contexts.BuildKit {
			continue
		}
		asking.Go(func() error {
			offered, err := build.Emulates(ctx, n)
			n.Emulates = slices.DeleteFunc(offered, func(p ocispec.Platform) bool {
				return !in.emulateAll && !slices.ContainsFunc(in.emulate, func(q ocispec.Platform) bool { return platform.Same(p, q) })
			})
			return err
		})
	}
	return asking.Wait()
}
