package argument

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/spf13/cobra"
)

// Hosts is the value of --insecure-registry: hosts of registries, each as
// it stands in a reference.
type Hosts []string

// AddInsecureRegistry adds the flag --insecure-registry.
func AddInsecureRegistry(cmd *cobra.Command, hosts *Hosts) {
	cmd.Flags().Var(hosts, "insecure-registry", "Allow plain HTTP and any certificate for this registry (HOST[:PORT])")
}

// Set implements pflag.Value.
func (h *Hosts) Set(host string) error {
	named, err := reference.ParseNormalizedNamed(host + "/x")
	if err != nil || reference.Domain(named) != host || reference.Path(named) != "x" {
		return fmt.Errorf("want HOST[:PORT] as in the name of an image, not %q", host)
	}
	*h = append(*h, host)
	return nil
}

// String implements pflag.Value.
func (h *Hosts) String() string { return strings.Join(*h, ",") }

// Type implements pflag.Value.
func (*Hosts) Type() string { return "host" }
