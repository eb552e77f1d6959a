package node

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/command/formatter"
	flagsHelper "github.com/docker/cli/cli/flags"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
)

func newConfigCommand(dockerCLI command.Cli) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "config [OPTIONS]",
		Short: "Show the settings of the build nodes and where each comes from",
		Long: `Show the settings of the build nodes and where each comes from: a default, a
line of multiarch.yaml, a flag or an environment variable.

multiarch.yaml is in the Docker configuration directory. It may have these keys:

  nodes: all               # all: every Docker context is a node;
                           # explicit: only those under node
  platforms: [linux/amd64, linux/arm64]
                           # what to build without --platform (default: what the
                           # nodes are)
  probe-timeout: 5s        # how long one engine may take to say what it is
  node:                    # by name of the context, in order of preference
    graviton:
      platforms: [linux/arm/v7]  # what it runs natively beside its own platform
      parallel: 2          # builds at once (default: 1)
      builder: classic     # or buildkit (default: what the engine offers)
      push: relay          # this machine pushes what it builds (or: engine)
      insecure: true       # logins may go there over plain tcp
      exclude: true        # never a node
      start: [aws, ec2, start-instances, --instance-ids, i-0abc]
                           # starts it when a build needs it, and so does
                           # start: {shell: "LINE FOR A SHELL"}; {name} as a word
                           # is the name of the node
      stop: [aws, ec2, stop-instances, --instance-ids, i-0abc]
      status: [...]        # prints one word, such as running or stopped
      wait: 5m             # how long the engine may take to answer
      idle: 10m            # stays up so long after a build (default: 0s)
      keep: true           # started, but never stopped
      deadman: true        # it stops itself when nobody renews it`,
		Example: `  docker multiarch node config
  docker multiarch node config --format json`,
		Args: cli.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runNodeConfig(dockerCLI, cmd, format)
		},
		ValidArgsFunction:     cobra.NoFileCompletions,
		DisableFlagsInUseLine: true,
	}
	cmd.Flags().StringVar(&format, "format", "", flagsHelper.FormatHelp)
	completion.Flags(cmd, map[string]cobra.CompletionFunc{"format": completion.Values("table", "json")})
	return cmd
}

func runNodeConfig(dockerCLI command.Cli, cmd *cobra.Command, format string) error {
	c, nodes, err := loadAll(dockerCLI)
	if err != nil {
		return err
	}
	defer func() { _ = nodes.Close() }()
	settings := generalSettings(dockerCLI, cmd, c)
	used, excluded := candidates(nodes, c)
	for _, n := range append(used, excluded...) {
		settings = append(settings, nodeSettings(n, c)...)
	}
	fmt.Fprintln(dockerCLI.Err(), c.Path)
	if format == "" || format == formatter.TableFormatKey {
		format = "table {{.Node}}\t{{.Setting}}\t{{.Value}}\t{{.From}}"
	}
	return writeRows(dockerCLI, format, newSettingRow, settings)
}

// setting is one setting and where it comes from; its JSON is a documented
// interface. Node is empty for what holds for all.
type setting struct {
	Node    string `json:"node,omitempty"`
	Setting string `json:"setting"`
	Value   string `json:"value"`
	From    string `json:"from"`
}

// generalSettings are those that hold for all nodes.
func generalSettings(dockerCLI command.Cli, cmd *cobra.Command, c *config.Config) []setting {
	mode := setting{Setting: "nodes", Value: "all", From: origin(c, c.LineOf("nodes"))}
	if c.Explicit {
		mode.Value = "explicit"
	}
	if ExplicitContext(cmd) {
		// Whoever points docker at an engine means that one.
		mode.Value, mode.From = oneLine(dockerCLI.CurrentContext())+" alone", contextOrigin(dockerCLI, cmd)
	}
	timeout := fmt.Sprintf("%s (ssh: %s)", contexts.ProbeTimeout, contexts.SSHProbeTimeout)
	if c.ProbeTimeout > 0 {
		timeout = c.ProbeTimeout.Round(time.Millisecond).String()
	}
	platforms := setting{Setting: "platforms", Value: "those of the nodes", From: origin(c, c.LineOf("platforms"))}
	if len(c.Platforms) > 0 {
		platforms.Value = joinNames(c.Platforms)
	}
	return []setting{
		{"", "context", oneLine(dockerCLI.CurrentContext()), contextOrigin(dockerCLI, cmd)},
		mode,
		platforms,
		{"", "probe-timeout", timeout, origin(c, c.LineOf("probe-timeout"))},
	}
}

// contextOrigin says what made the current context the current one, in the
// order in which docker looks.
func contextOrigin(dockerCLI command.Cli, cmd *cobra.Command) string {
	global := cmd.Root().Flags()
	switch {
	case global.Changed("context"):
		return "--context"
	case global.Changed("host"):
		return "--host"
	case os.Getenv("DOCKER_HOST") != "":
		return "DOCKER_HOST"
	case os.Getenv(command.EnvOverrideContext) != "":
		return command.EnvOverrideContext
	case dockerCLI.ConfigFile().CurrentContext != "":
		return "config.json"
	default:
		return "default"
	}
}

func nodeSettings(n *contexts.Node, c *config.Config) []setting {
	settings := c.Node(n.Name)
	exclude := setting{Setting: "exclude", Value: strconv.FormatBool(!c.Uses(n.Name)), From: origin(c, settings.LineOf("exclude"))}
	if settings.Line == 0 && c.Explicit {
		exclude.From = origin(c, c.LineOf("nodes"))
	}
	all := []setting{
		exclude,
		{Setting: "platforms", Value: joinNames(settings.Platforms), From: origin(c, settings.LineOf("platforms"))},
		{Setting: "parallel", Value: strconv.Itoa(max(settings.Parallel, 1)), From: origin(c, settings.LineOf("parallel"))},
		{Setting: "builder", Value: cmp.Or(settings.Builder, "the engine's"), From: origin(c, settings.LineOf("builder"))},
		{Setting: "push", Value: pusher(settings.Relay), From: origin(c, settings.LineOf("push"))},
		{Setting: "insecure", Value: strconv.FormatBool(settings.Insecure), From: origin(c, settings.LineOf("insecure"))},
	}
	for _, s := range settings.Settings() {
		if settings.LineOf(s.Key) == 0 {
			continue
		}
		all = append(all, setting{Setting: s.Key, Value: oneLine(s.Value), From: origin(c, settings.LineOf(s.Key))})
	}
	for i := range all {
		all[i].Node = oneLine(n.Name)
	}
	return all
}

func joinNames(all []ocispec.Platform) string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = platforms.FormatAll(p)
	}
	return strings.Join(names, ", ")
}

// origin says where a setting comes from that line sets; no line is 0.
func origin(c *config.Config, line int) string {
	if line == 0 {
		return "default"
	}
	return place(c, line)
}

// place names a line of multiarch.yaml.
func place(c *config.Config, line int) string {
	return filepath.Base(c.Path) + ":" + strconv.Itoa(line)
}

// pusher says who pushes what a node builds.
func pusher(relay bool) string {
	if relay {
		return "relay"
	}
	return "engine"
}
