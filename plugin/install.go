package plugin

import (
	"fmt"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// builderAlias is the key of config.json's aliases that names the plugin which
// docker build, docker image build and docker builder are handed to.
const builderAlias = "builder"

func newInstallCommand(dockerCLI command.Cli) *cobra.Command {
	return &cobra.Command{
		Use:   "install",
		Short: "Make docker multiarch the builder behind docker build",
		Long: `Make docker multiarch the builder behind docker build.

It writes the alias "builder" into the Docker configuration: docker build, docker
image build and docker builder then are docker multiarch. A build without
--platform is one for every node; where a script reads one image ID (--quiet,
--iidfile), say --platform, or name one in multiarch.yaml.`,
		Example: `  docker multiarch install
  docker build --tag app .`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, _ []string) error {
			config := dockerCLI.ConfigFile()
			if config.Aliases == nil {
				config.Aliases = map[string]string{}
			}
			config.Aliases[builderAlias] = pluginName
			return saveAlias(dockerCLI, "docker build is now docker multiarch build")
		},
	}
}

func newUninstallCommand(dockerCLI command.Cli) *cobra.Command {
	return &cobra.Command{
		Use:               "uninstall",
		Short:             "Give docker build back its own builder",
		Example:           `  docker multiarch uninstall`,
		Args:              cli.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, _ []string) error {
			config := dockerCLI.ConfigFile()
			if config.Aliases[builderAlias] != pluginName {
				return argument.Wrong(fmt.Errorf("docker build is not docker multiarch: the alias %q is %q", builderAlias, config.Aliases[builderAlias]))
			}
			delete(config.Aliases, builderAlias)
			return saveAlias(dockerCLI, "docker build uses docker's own builder again")
		},
	}
}

func saveAlias(dockerCLI command.Cli, done string) error {
	if err := dockerCLI.ConfigFile().Save(); err != nil {
		return fmt.Errorf("writing %s: %w", dockerCLI.ConfigFile().Filename, err)
	}
	_, err := fmt.Fprintln(dockerCLI.Err(), done)
	return err
}
