package builder

import (
	"github.com/docker/cli/cli/command"
	dockercompletion "github.com/docker/cli/cli/command/completion"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
	"github.com/docker-multiarch/docker-multiarch/plugin/dockerfile"
)

// complete has the arguments and flags of build completed. Flags of which
// nothing is known complete to nothing, not to files.
func (o *options) complete(cmd *cobra.Command, dockerCLI command.Cli) {
	cmd.ValidArgsFunction = completion.Directory
	files := dockercompletion.FileNames()
	platforms, stages := completion.Platforms(), dockerfile.CompleteStages(&o.file)
	completion.Flags(cmd, map[string]cobra.CompletionFunc{
		"platform":        platforms,
		"emulate":         platforms,
		"allow-missing":   platforms,
		"node":            completion.List(completion.PerPlatform(completion.Contexts(dockerCLI))),
		"relay":           completion.List(completion.Contexts(dockerCLI)),
		"file":            files,
		"target":          stages,
		"no-cache-filter": completion.List(stages),
		"build-arg":       dockercompletion.EnvVarNames(),
		"network":         completion.PerPlatform(completion.Values("default", "none", "host")),
		"isolation":       completion.PerPlatform(completion.Values("default", "process", "hyperv")),
		"call":            completion.Values("build", "check", "outline", "targets"),
		"provenance":      completion.Values("true", "false", "mode=min", "mode=max"),
		"sbom":            completion.Values("true", "false"),
		"verify":          completion.Values(argument.VerifyOff, argument.VerifyOn, argument.VerifyStrict),
		"secret-files":    completion.Values(secretFilesWarn, secretFilesFail, secretFilesOff),
		"test-file":       files,
		"platform-tag":    completion.Values("none"),
		"if-unchanged":    completion.Values("start"),
		"progress":        completion.Values(progressNames()...),
		"log-dir":         completion.Directories,
		"metadata-file":   files,
		"iidfile":         files,
	})
}

func progressNames() []string {
	names := make([]string, len(progress.Modes))
	for i, mode := range progress.Modes {
		names[i] = string(mode)
	}
	return names
}
