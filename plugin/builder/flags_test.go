package builder

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// refused are flags of docker build that the table says there are not here.
var refused = []string{"allow", "builder", "policy", "resource"}

// TestTheTableOfFlagsIsComplete: docs/flags.md has every flag of the command, the
// command has every flag of the table, and those that may hold for one platform
// are marked.
func TestTheTableOfFlagsIsComplete(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/flags.md")
	assert.NilError(t, err)
	named, row := regexp.MustCompile("`--([a-z-]+)`( ◇)?"), regexp.MustCompile(`(?m)^\| (\x60--.*?) \|`)
	table := map[string]bool{}
	for _, cells := range row.FindAllStringSubmatch(string(text), -1) {
		for _, flag := range named.FindAllStringSubmatch(cells[1], -1) {
			table[flag[1]] = flag[2] != ""
		}
	}
	_, own, _ := strings.Cut(string(text), "Ours alone: ")
	for _, flag := range named.FindAllStringSubmatch(own, -1) {
		table[flag[1]] = flag[2] != ""
	}

	command, options := &cobra.Command{}, newOptions()
	options.addFlags(command)
	got := map[string]bool{}
	command.Flags().VisitAll(func(f *pflag.Flag) {
		_, got[f.Name] = f.Value.(*argument.PlatformValues)
	})
	for _, name := range refused {
		_, here := table[name]
		assert.Assert(t, here, "--%s", name)
		delete(table, name)
	}
	assert.DeepEqual(t, slices.Sorted(maps.Keys(table)), slices.Sorted(maps.Keys(got)))
	assert.DeepEqual(t, table, got)
}

func TestBlanksBetweenPlatformsAreNone(t *testing.T) {
	in := &input{options: &options{platforms: []string{"linux/amd64", " linux/arm64 "}}}
	assert.NilError(t, in.readPlatforms())
	assert.Equal(t, len(in.platforms), 2)
	assert.Equal(t, platforms.Format(in.platforms[1]), "linux/arm64")
}
