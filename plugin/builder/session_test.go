package builder

import (
	"testing"

	"github.com/spf13/cobra"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/node"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// sessionOf is a session of docker multiarch build with those arguments, and its
// command.
func sessionOf(t *testing.T, d *plugintest.Docker, args ...string) (*session, *cobra.Command) {
	t.Helper()
	o := newOptions()
	cmd := &cobra.Command{Use: "build"}
	o.addFlags(cmd)
	assert.NilError(t, cmd.ParseFlags(args))
	o.dir = cmd.Flags().Arg(0)
	settings, err := node.ReadConfig(d.CLI)
	assert.NilError(t, err)
	in, err := o.read(d.CLI.In())
	assert.NilError(t, err)
	s := &session{cli: d.CLI, input: in, config: settings, registry: registry.New(d.CLI, "test", o.insecure), credentials: registry.Credentials{Config: d.CLI.ConfigFile()}, probed: make(chan struct{})}
	t.Cleanup(s.close)
	return s, cmd
}
