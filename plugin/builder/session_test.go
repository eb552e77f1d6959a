package builder

import (
	"testing"

	"github.com/spf13/cobra"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
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
	s, err := newSession(d.CLI, cmd, o, "test", d.CLI.In())
	assert.NilError(t, err)
	t.Cleanup(func() { _ = s.close() })
	return s, cmd
}
