package dockerfile

import (
	"bytes"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
)

// CompleteStages completes the names of the stages of the Dockerfiles that file
// (--file) and the path of the build context lead to.
func CompleteStages(file *argument.PlatformValues) cobra.CompletionFunc {
	return completion.PerPlatform(func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		dir := "."
		if len(args) > 0 {
			dir = args[0]
		}
		// Standard input is the terminal at which the user waits.
		files := NewSet(dir, file, strings.NewReader(""))
		if err := files.ReadKnown(nil); err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, f := range files.read {
			names = append(names, stageNames(f.Content)...)
		}
		slices.Sort(names)
		return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
	})
}

// stageNames are the names of a Dockerfile's stages; none if it can't be read.
func stageNames(text []byte) []string {
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil
	}
	var names []string
	for _, stage := range stages {
		if stage.Name != "" {
			names = append(names, stage.Name)
		}
	}
	return names
}
