package node

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	dockerconfig "github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/context/store"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
)

// NewCommand returns the command node with those below it.
func NewCommand(dockerCLI command.Cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "node",
		Short: "Manage build nodes",
		Long: `Manage build nodes.

Every Docker context is a build node, unless multiarch.yaml in the Docker
configuration directory says otherwise.`,
		Args:                  cli.NoArgs,
		RunE:                  command.ShowHelp(dockerCLI.Err()),
		DisableFlagsInUseLine: true,
	}
	cmd.AddCommand(
		newLsCommand(dockerCLI),
		newInspectCommand(dockerCLI),
		newExcludeCommand(dockerCLI),
		newIncludeCommand(dockerCLI),
		newUseCommand(dockerCLI),
		newConfigCommand(dockerCLI),
		newStartCommand(dockerCLI),
		newStopCommand(dockerCLI),
		newStatusCommand(dockerCLI),
		newGCCommand(dockerCLI),
		newReapCommand(dockerCLI),
	)
	return cmd
}

// configPath is where multiarch.yaml is, or would be.
func configPath(dockerCLI command.Cli) string {
	dir := dockerconfig.Dir()
	if name := dockerCLI.ConfigFile().Filename; name != "" {
		dir = filepath.Dir(name)
	}
	return filepath.Join(dir, config.FileName)
}

// ReadConfig reads multiarch.yaml and checks it against the user's contexts.
func ReadConfig(dockerCLI command.Cli) (*config.Config, error) {
	c, err := config.Read(configPath(dockerCLI))
	if err != nil {
		return nil, err
	}
	known, err := knownContexts(dockerCLI)
	if err != nil {
		return nil, err
	}
	return c, c.Check(known)
}

func knownContexts(dockerCLI command.Cli) ([]string, error) {
	names, err := store.Names(dockerCLI.ContextStore())
	if err != nil {
		return nil, fmt.Errorf("listing Docker contexts: %w", err)
	}
	return names, nil
}

// candidates gives every node what the configuration says of it, and parts
// those that may be used from those that may not. The ones that the
// configuration lists come first, in its order.
func candidates(nodes contexts.Nodes, c *config.Config) (used, excluded contexts.Nodes) {
	ordered := slices.Clone(nodes)
	ordered.Order(c.Names(), nil)
	for _, n := range ordered {
		configure(n, c)
		if c.Uses(n.Name) {
			used = append(used, n)
		} else {
			excluded = append(excluded, n)
		}
	}
	return used, excluded
}

// configure gives a node what the configuration says of it.
func configure(n *contexts.Node, c *config.Config) {
	settings := c.Node(n.Name)
	n.Declares = settings.Platforms
	n.Parallel = settings.Parallel
	n.Builder = contexts.Builder(settings.Builder)
	n.Relay = settings.Relay
	n.Insecure = settings.Insecure
	n.Timeout = c.ProbeTimeout
}
