package node

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/command/formatter"
	flagsHelper "github.com/docker/cli/cli/flags"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
)

func newInspectCommand(dockerCLI command.Cli) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "inspect [OPTIONS] CONTEXT [CONTEXT...]",
		Short: "Show all that is known of one or more build nodes, with advice",
		Example: `  docker multiarch node inspect graviton
  docker multiarch node inspect --format json graviton pi
  docker multiarch node inspect --format '{{.Engine}} {{.Advice}}' graviton`,
		Args: cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runNodeInspect(cmd.Context(), dockerCLI, format, args)
		},
		ValidArgsFunction:     completion.Contexts(dockerCLI),
		DisableFlagsInUseLine: true,
	}
	cmd.Flags().StringVar(&format, "format", "", flagsHelper.InspectFormatHelp)
	completion.Flags(cmd, map[string]cobra.CompletionFunc{"format": completion.Values("table", "json")})
	return cmd
}

func runNodeInspect(ctx context.Context, dockerCLI command.Cli, format string, names []string) error {
	// The others are compared by endpoint; they are not dialled.
	c, others, err := loadAll(dockerCLI)
	if err != nil {
		return err
	}
	defer func() { _ = others.Close() }()
	nodes, err := contexts.Load(dockerCLI, distinct(names)...)
	if err != nil {
		return err
	}
	defer func() { _ = nodes.Close() }()
	for _, n := range nodes {
		configure(n, c)
	}
	if err := nodes.Probe(ctx, nil); err != nil {
		return err
	}
	views := inspectNodes(ctx, nodes, others, c)
	switch format {
	case "":
		return describeNodes(dockerCLI, views, c)
	case formatter.JSONFormatKey:
		encoder := json.NewEncoder(dockerCLI.Out())
		encoder.SetIndent("", "  ")
		return encoder.Encode(views)
	default:
		return writeNodes(dockerCLI, format, true, views)
	}
}

// distinct returns names without those that came before.
func distinct(names []string) []string {
	var all []string
	for _, name := range names {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

func inspectNodes(ctx context.Context, nodes, others contexts.Nodes, c *config.Config) []nodeView {
	all := slices.Clone(nodes)
	for _, other := range others {
		if !slices.Contains(Names(nodes), other.Name) {
			all = append(all, other)
		}
	}
	emulates := askEmulators(ctx, nodes)
	views := make([]nodeView, 0, len(nodes))
	for _, n := range nodes {
		v := newNodeView(n, emulates[n])
		v.Advice = adviceFor(n, all, c)
		if !c.Uses(n.Name) && n.Err == nil {
			v.Status, v.Reason = statusExcluded, excludedReason(n.Name, c)
		}
		views = append(views, v)
	}
	return views
}
