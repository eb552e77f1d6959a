package plugin

import (
	"github.com/docker/cli/cli/command"

	"github.com/docker-multiarch/docker-multiarch/manifest"
)

// newRegistry returns the registry client with the user's logins.
func newRegistry(dockerCLI command.Cli, version string) *manifest.Registry {
	return manifest.New(dockerCLI.ConfigFile(), manifest.WithUserAgent("docker-multiarch/"+version))
}
