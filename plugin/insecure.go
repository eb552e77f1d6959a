package plugin

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/spf13/cobra"
)

// registryHosts is the value of --insecure-registry: hosts of registries, each as
// it stands in a reference.
type registryHosts []string

func addInsecureRegistry(cmd *cobra.Command, hosts *registryHosts) {
	cmd.Flags().Var(hosts, "insecure-registry", "Allow plain HTTP and any certificate for this registry (HOST[:PORT])")
}

// Set implements pflag.Value.
func (h *registryHosts) Set(host string) error {
	named, err := reference.ParseNormalizedNamed(host + "/x")
	if err != nil || reference.Domain(named) != host || reference.Path(named) != "x" {
		return fmt.Errorf("want HOST[:PORT] as in the name of an image, not %q", host)
	}
	*h = append(*h, host)
	return nil
}

// String implements pflag.Value.
func (h *registryHosts) String() string { return strings.Join(*h, ",") }

// Type implements pflag.Value.
func (*registryHosts) Type() string { return "host" }
