package plugin

import (
	"fmt"
	"time"

	"github.com/docker/cli/cli/command"

	"github.com/docker-multiarch/docker-multiarch/manifest"
)

// newRegistry returns the registry client with the user's logins. TLS is optional
// for the insecure hosts.
func newRegistry(dockerCLI command.Cli, version string, insecure registryHosts) *manifest.Registry {
	return manifest.New(credentials{dockerCLI.ConfigFile()}.lookup,
		manifest.WithInsecure(insecure...),
		manifest.WithUserAgent("docker-multiarch/"+version),
		manifest.WithNotify(func(r manifest.Retry) {
			fmt.Fprintf(dockerCLI.Err(), "%s, trying again in %s\n", clean(r.Err.Error()), r.Wait.Round(time.Second))
		}))
}
