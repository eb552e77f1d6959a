package plugin

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/docker/cli/cli/command"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/platform"
)

// loadNodes returns the nodes that a command may use: those named with --node,
// else the one engine the user pointed docker at explicitly, else every
// context that the configuration does not exclude. Nothing is dialled.
func loadNodes(dockerCLI command.Cli, cmd *cobra.Command, c *config.Config, names []string) (contexts.Nodes, error) {
	if len(names) == 0 && explicitContext(cmd) {
		names = []string{dockerCLI.CurrentContext()}
	}
	for _, name := range names {
		if c.Node(name).Exclude {
			return nil, usage(fmt.Errorf("context %q is excluded (%s); to use it: docker multiarch node include %s",
				name, excludedReason(name, c), name))
		}
	}
	nodes, err := contexts.Load(dockerCLI, names...)
	if err != nil {
		return nil, err
	}
	used, excluded := candidates(nodes, c)
	if len(names) > 0 {
		return nodes, nil // in the order of names
	}
	return used, excluded.Close()
}

// explicitContext says whether the user chose one engine for this command:
// docker -c or -H, DOCKER_CONTEXT or DOCKER_HOST.
func explicitContext(cmd *cobra.Command) bool {
	global := cmd.Root().Flags()
	return global.Changed("context") || global.Changed("host") ||
		os.Getenv(command.EnvOverrideContext) != "" || os.Getenv("DOCKER_HOST") != ""
}

// probeNodes loads and probes all nodes that a command may use.
func probeNodes(ctx context.Context, dockerCLI command.Cli, cmd *cobra.Command) (contexts.Nodes, error) {
	c, err := readConfig(dockerCLI)
	if err != nil {
		return nil, err
	}
	nodes, err := loadNodes(dockerCLI, cmd, c, nil)
	if err != nil {
		return nil, err
	}
	return nodes, nodes.Probe(ctx, nil)
}

// buildNodes loads and probes the nodes of a build, no longer than it takes to
// know who builds what.
func (s *buildSession) buildNodes(ctx context.Context, cmd *cobra.Command) (contexts.Nodes, error) {
	in := s.input
	c, err := readConfig(s.cli)
	if err != nil {
		return nil, err
	}
	s.config = c
	if !in.options.noHooks {
		if err := c.Own(); err != nil {
			return nil, err
		}
	}
	nodes, err := loadNodes(s.cli, cmd, c, in.nodes)
	if err != nil {
		return nil, err
	}
	if len(in.nodes) == 0 {
		nodes.Order(c.Names(), recentNodes(s.history, projectKey(in.options.dir)))
	}
	for _, pin := range in.pins {
		if slices.ContainsFunc(nodes, func(n *contexts.Node) bool { return n.Name == pin.Node }) {
			continue
		}
		pinned, err := loadNodes(s.cli, cmd, c, []string{pin.Node})
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, pinned...)
	}
	applyHistory(s.history, nodes, in.nodes)
	for _, n := range nodes {
		n.HyperV = in.hyperV()
	}
	if err := nodes.Probe(ctx, enough(in)); err != nil {
		return nodes, err
	}
	findSleeping(nodes, c, in)
	noteProbes(s.history, nodes)
	return nodes, allowEmulation(ctx, nodes, in)
}

// enough ends the probing when every platform asked for has a native node that
// no node still silent would come before. Without --platform every answer
// counts.
func enough(in *buildInput) func(contexts.Nodes) bool {
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
func allowEmulation(ctx context.Context, nodes contexts.Nodes, in *buildInput) error {
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
