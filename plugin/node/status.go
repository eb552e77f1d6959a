package node

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/contexts/power"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
)

func newStatusCommand(dockerCLI command.Cli) *cobra.Command {
	return &cobra.Command{
		Use:   "status NODE [NODE...]",
		Short: "Show whether nodes are awake and whether they have to be stopped",
		Long: `Show whether nodes are awake and whether they have to be stopped.

ENGINE is whether the engine answers, MACHINE what the status command of
multiarch.yaml says, STOP why the node has to be stopped yet.`,
		Example: `  docker multiarch node status graviton`,
		Args:    cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			return runNodeStatus(cmd.Context(), dockerCLI, names)
		},
		ValidArgsFunction:     completion.Contexts(dockerCLI),
		DisableFlagsInUseLine: true,
	}
}

func runNodeStatus(ctx context.Context, dockerCLI command.Cli, names []string) error {
	machines, release, err := loadMachines(dockerCLI, names)
	if err != nil {
		return err
	}
	defer release()
	table := tabwriter.NewWriter(dockerCLI.Out(), 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "NAME\tENGINE\tMACHINE\tSTOP")
	for _, m := range machines {
		engine := "answers"
		if err := (contexts.Nodes{m.node}).Probe(ctx, nil); err != nil {
			return err
		}
		if !m.node.Usable() {
			engine = "no answer"
		}
		word, err := m.Word(ctx)
		if err != nil {
			word = err.Error()
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", progress.Clean(m.Name), engine, oneLine(word), oneLine(owed(ctx, m.Store, m.Name)))
	}
	return table.Flush()
}

// owed says why a node has to be stopped yet, or "".
func owed(ctx context.Context, store *power.Store, name string) string {
	debt := store.Debt(name)
	switch {
	case debt == nil:
		return ""
	case store.InUse(ctx, name):
		return "when the builds that use it are over"
	case debt.Held:
		return "by hand, as it was started"
	case debt.Failure != "":
		return debt.Failure
	default:
		return "owed since " + debt.Since.Local().Format(time.DateTime)
	}
}

// sleepers are the nodes that can be started, as node ls shows them.
type sleepers struct {
	config *config.Config
	store  *power.Store // nil when nothing can be remembered
}

func newSleepers(dockerCLI command.Cli, c *config.Config) sleepers {
	store, err := powerStore(dockerCLI)
	if err != nil {
		store = nil
	}
	return sleepers{c, store}
}

// show says of a node that can be started in which state it is.
func (s sleepers) show(ctx context.Context, v *nodeView, n *contexts.Node) {
	if !s.config.Node(n.Name).Wakes() || s.store == nil {
		return
	}
	debt := s.store.Debt(n.Name)
	switch {
	case debt != nil && s.store.InUse(ctx, n.Name):
		if n.Sleeps() {
			v.Status = statusStarting
		}
	case debt != nil && !debt.Held:
		v.Status = statusOwed
		v.Reason = oneLine(owed(ctx, s.store, n.Name))
		v.short = v.Reason
	case n.Sleeps():
		v.Status, v.Reason, v.short = statusAsleep, "", ""
		v.Platform = joinNames(n.Declares)
	}
}
