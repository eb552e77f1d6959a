package registry

import (
	"fmt"
	"time"

	"github.com/docker/cli/cli/command"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// New returns the registry client with the user's logins. TLS is optional
// for the insecure hosts.
func New(dockerCLI command.Cli, version string, insecure argument.Hosts, more ...manifest.Option) *manifest.Registry {
	options := append([]manifest.Option{
		manifest.WithInsecure(insecure...),
		manifest.WithUserAgent("docker-multiarch/" + version),
		manifest.WithNotify(func(r manifest.Retry) {
			fmt.Fprintf(dockerCLI.Err(), "%s, trying again in %s\n", progress.Clean(r.Err.Error()), r.Wait.Round(100*time.Millisecond))
		}),
	}, more...)
	return manifest.New(Credentials{Config: dockerCLI.ConfigFile()}.Lookup, options...)
}
