package plugin

import (
	"fmt"
	"runtime"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/cli/templates"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
)

// versionInfo is what `version --format` can show.
type versionInfo struct {
	Version   string
	GoVersion string
	Platform  string // the client's, not a node's
}

func newVersionCommand(dockerCLI command.Cli, version string) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version [OPTIONS]",
		Short: "Show the version of docker multiarch",
		Example: `  docker multiarch version
  docker multiarch version --format json
  docker multiarch version --format '{{.Version}}'`,
		Args: cli.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return printVersion(dockerCLI, format, versionInfo{version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	cmd.Flags().StringVar(&format, "format", "", `Format output: "json" or a Go template`)
	completion.Flags(cmd, map[string]cobra.CompletionFunc{"format": completion.Values(formatter.JSONFormatKey)})
	return cmd
}

func printVersion(dockerCLI command.Cli, format string, info versionInfo) error {
	switch format {
	case "":
		format = "docker multiarch {{.Version}}, {{.GoVersion}}, {{.Platform}}"
	case formatter.JSONFormatKey:
		format = formatter.JSONFormat
	}
	tmpl, err := templates.Parse(format)
	if err != nil {
		return argument.Wrong(fmt.Errorf("invalid --format: %w", err))
	}
	if err := tmpl.Execute(dockerCLI.Out(), info); err != nil {
		return argument.Wrong(fmt.Errorf("invalid --format: %w", err))
	}
	_, err = fmt.Fprintln(dockerCLI.Out())
	return err
}
