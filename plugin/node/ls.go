package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	flagsHelper "github.com/docker/cli/cli/flags"
	"github.com/docker/cli/opts"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
)

type nodeLsOptions struct {
	quiet   bool
	noTrunc bool
	format  string
	filter  opts.FilterOpt
}

func newLsCommand(dockerCLI command.Cli) *cobra.Command {
	o := nodeLsOptions{filter: opts.NewFilterOpt()}
	cmd := &cobra.Command{
		Use:     "ls [OPTIONS]",
		Aliases: []string{"list"},
		Short:   "List build nodes and what they can build",
		Long: `List build nodes and what they can build.

Every engine is asked what it is, all at once. A node is ready, dead (with the
reason), unused (another context reaches the same engine) or excluded (by
multiarch.yaml; it is not contacted). One with a start command may also be asleep,
starting, or owed: it was started for a build that is over, and not stopped yet.`,
		Example: `  docker multiarch node ls
  docker multiarch node ls --filter platform=linux/arm64
  docker multiarch node ls --format '{{.Name}}: {{.Status}} {{.Reason}}'`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runNodeLs(cmd.Context(), dockerCLI, o)
		},
		ValidArgsFunction:     cobra.NoFileCompletions,
		DisableFlagsInUseLine: true,
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "Only display names, without contacting the nodes")
	flags.BoolVar(&o.noTrunc, "no-trunc", false, "Don't truncate the reason")
	flags.StringVar(&o.format, "format", "", flagsHelper.FormatHelp)
	flags.VarP(&o.filter, "filter", "f", `Filter output based on conditions ("name=", "platform=", "status=", "engine=")`)
	completion.Flags(cmd, map[string]cobra.CompletionFunc{"format": completion.Values("table", "json")})
	return cmd
}

func runNodeLs(ctx context.Context, dockerCLI command.Cli, o nodeLsOptions) error {
	filter, err := newFilter(o.filter.Value())
	if err != nil {
		return argument.Wrong(err)
	}
	c, nodes, err := loadAll(dockerCLI)
	if err != nil {
		return err
	}
	defer func() { _ = nodes.Close() }()
	if o.quiet && !filter.needsProbe() {
		return writeNames(dockerCLI, filter.apply(unprobedViews(nodes, c)))
	}
	views, err := probedViews(ctx, dockerCLI, nodes, c)
	if err != nil {
		return err
	}
	if views = filter.apply(views); o.quiet {
		return writeNames(dockerCLI, views)
	}
	return writeNodes(dockerCLI, o.format, o.noTrunc, views)
}

// probedViews asks the nodes that may be used what they are, and shows all.
func probedViews(ctx context.Context, dockerCLI command.Cli, nodes contexts.Nodes, c *config.Config) ([]nodeView, error) {
	used, excluded := candidates(nodes, c)
	if err := used.Probe(ctx, nil); err != nil {
		return nil, err
	}
	emulates := askEmulators(ctx, used)
	asleep := newSleepers(dockerCLI, c)
	var views []nodeView
	for _, n := range used {
		v := newNodeView(n, emulates[n])
		asleep.show(ctx, &v, n)
		v.Advice = adviceFor(n, nodes, c)
		views = append(views, v)
	}
	return append(views, excludedViews(excluded, c)...), nil
}

func excludedViews(excluded contexts.Nodes, c *config.Config) []nodeView {
	views := make([]nodeView, 0, len(excluded))
	for _, n := range excluded {
		views = append(views, excludedView(n, c))
	}
	return views
}

// unprobedViews shows what is known without asking anybody.
func unprobedViews(nodes contexts.Nodes, c *config.Config) []nodeView {
	used, excluded := candidates(nodes, c)
	var views []nodeView
	for _, n := range used {
		v := newNodeView(n, nil)
		v.Status = "" // nobody knows
		views = append(views, v)
	}
	return append(views, excludedViews(excluded, c)...)
}

func writeNames(dockerCLI command.Cli, views []nodeView) error {
	errs := make([]error, 0, len(views))
	for _, v := range views {
		_, err := fmt.Fprintln(dockerCLI.Out(), v.Name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
