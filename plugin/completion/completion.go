package completion

import (
	"slices"
	"strings"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/context/store"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// Flags has flags of cmd, by name, completed. It panics if cmd lacks one.
func Flags(cmd *cobra.Command, functions map[string]cobra.CompletionFunc) {
	for name, f := range functions {
		if err := cmd.RegisterFlagCompletionFunc(name, f); err != nil {
			panic(err)
		}
	}
}

// Contexts completes the names of Docker contexts that are not among the
// arguments yet.
func Contexts(dockerCLI command.Cli) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		names, err := store.Names(dockerCLI.ContextStore())
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		slices.Sort(names)
		return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(args, name) }), cobra.ShellCompDirectiveNoFileComp
	}
}

// Platforms completes a list of platforms: those that engines are seen with, the
// most usual first.
func Platforms() cobra.CompletionFunc {
	return List(Values(
		"linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386",
		"linux/ppc64le", "linux/riscv64", "linux/s390x", "windows/amd64",
	))
}

// Values completes one of these, in this order.
func Values(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveKeepOrder)
}

// Directories completes names of directories.
func Directories(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// Directory completes the name of a directory as the only argument.
func Directory(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return Directories(cmd, args, typed)
}

// List completes the last value of a list with commas by f.
func List(f cobra.CompletionFunc) cobra.CompletionFunc {
	return behind(f, func(typed string) int { return strings.LastIndexByte(typed, ',') + 1 })
}

// PerPlatform completes a value by f, also behind "PLATFORM:".
func PerPlatform(f cobra.CompletionFunc) cobra.CompletionFunc {
	return behind(f, func(typed string) int { return len(typed) - len(argument.NewPlatformValue(typed).Value) })
}

// behind completes by f what comes after the first front(typed) bytes.
func behind(f cobra.CompletionFunc, front func(typed string) int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		n := front(typed)
		values, directive := f(cmd, args, typed[n:])
		whole := make([]string, len(values))
		for i, value := range values {
			whole[i] = typed[:n] + value
		}
		return whole, directive
	}
}
