package plugin

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gotest.tools/v3/assert"
)

// visible are all commands that users see, by their name behind docker.
func visible(t *testing.T) map[string]*cobra.Command {
	t.Helper()
	all := map[string]*cobra.Command{}
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		all[c.CommandPath()] = c
		for _, sub := range c.Commands() {
			if !sub.Hidden {
				visit(sub)
			}
		}
	}
	visit(NewCommand(newDocker(t, "default", nil).CLI, "1.2.3-test"))
	return all
}

// Every command shows examples, and its help is compared with a golden file.
func TestEveryCommandHasHelp(t *testing.T) {
	for path, c := range visible(t) {
		assert.Assert(t, c.HasSubCommands() || c.Example != "", "%s has no examples", path)
		for line := range strings.Lines(c.Example) {
			assert.Assert(t, strings.HasPrefix(line, "  docker "), "%s: an example is a command: %q", path, line)
		}
		name := strings.ReplaceAll(strings.Replace(path, "multiarch", "help", 1), " ", "-")
		_, err := os.Stat("testdata/script/" + name + ".txtar")
		assert.NilError(t, err, path)
	}
}

// Flags that take one of several words, a platform, a context, a stage or a
// file are completed wherever they are. Arguments never complete to files by chance.
func TestEveryCommandCompletes(t *testing.T) {
	known := []string{"platform", "require", "allow-missing", "node", "target", "format", "file", "from", "progress", "verify", "call", "level"}
	for path, c := range visible(t) {
		assert.Assert(t, c.HasSubCommands() || c.ValidArgsFunction != nil, "%s completes any file", path)
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if slices.Contains(known, f.Name) {
				_, completed := c.GetFlagCompletionFunc(f.Name)
				assert.Assert(t, completed, "%s --%s is not completed", path, f.Name)
			}
		})
	}
}
