package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	dockercompletion "github.com/docker/cli/cli/command/completion"
	"github.com/docker/cli/opts"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/check"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

type checkOptions struct {
	dir           string
	platforms     []string
	file          argument.PlatformValues
	buildArgs     argument.PlatformValues
	target        argument.PlatformValues
	buildContexts argument.PlatformValues
	format        string
	level         string
	strict        bool
	offline       bool
	insecure      argument.Hosts
}

// NewCheckCommand returns the command check. version is the plugin's own.
func NewCheckCommand(dockerCLI command.Cli, version string) *cobra.Command {
	o := checkOptions{dir: "."}
	cmd := &cobra.Command{
		Use:   "check [OPTIONS] [PATH]",
		Short: "Tell whether a Dockerfile is ready for several platforms, without building it",
		Long: `Tell whether a Dockerfile is ready for several platforms, without building it.

The registries of base images are asked which platforms they have; instructions
are looked at for downloads, paths and programs of one architecture. No node is
asked. Exit code 4 says that there are errors.`,
		Example: `  docker multiarch check
  docker multiarch check --platform linux/amd64,linux/arm/v7 --level warning .
  docker multiarch check --offline --format sarif .`,
		Args: cli.RequiresMaxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.dir = args[0]
			}
			return runCheck(cmd.Context(), dockerCLI, o, version)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&o.platforms, "platform", nil, "Platforms that are wanted (default linux/amd64,linux/arm64)")
	flags.VarP(&o.file, "file", "f", "Dockerfile, or PLATFORM:FILE for one platform's (default \"PATH/Dockerfile\")")
	flags.Var(&o.buildArgs, "build-arg", "Build argument, as for build")
	flags.Var(&o.target, "target", "Target stage")
	flags.Var(&o.buildContexts, "build-context", "Named build context (e.g. \"name=path\")")
	flags.StringVar(&o.format, "format", "table", `Format output: "`+strings.Join(checkFormats, `", "`)+`"`)
	flags.StringVar(&o.level, "level", string(check.Note), "Show findings of this level or a more serious one: error, warning, note")
	flags.BoolVar(&o.strict, "strict", false, "Fail (exit code 4) for warnings too, not only for errors")
	flags.BoolVar(&o.offline, "offline", false, "Ask no registry about base images")
	argument.AddInsecureRegistry(cmd, &o.insecure)
	cmd.ValidArgsFunction = completion.Directory
	completion.Flags(cmd, map[string]cobra.CompletionFunc{
		"platform":  completion.Platforms(),
		"file":      dockercompletion.FileNames(),
		"build-arg": dockercompletion.EnvVarNames(),
		"target":    CompleteStages(&o.file),
		"format":    completion.Values(checkFormats...),
		"level":     completion.Values(string(check.Error), string(check.Warning), string(check.Note)),
	})
	return cmd
}

// FindingsError is returned when there is something to mend.
type FindingsError struct{ errors, warnings int }

func (e *FindingsError) Error() string {
	return "the Dockerfile is not ready: " + counted(e.errors, "error") + ", " + counted(e.warnings, "warning")
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func runCheck(ctx context.Context, dockerCLI command.Cli, o checkOptions, version string) error {
	if !slices.Contains(checkFormats, o.format) {
		return argument.Wrong(fmt.Errorf("invalid --format %q, must be one of %s", o.format, strings.Join(checkFormats, ", ")))
	}
	if !slices.Contains(check.Levels, check.Level(o.level)) {
		return argument.Wrong(fmt.Errorf("invalid --level %q, must be error, warning or note", o.level))
	}
	inputs, done, err := o.inputs(ctx, dockerCLI)
	defer done()
	if err != nil {
		return err
	}
	options := check.Options{Style: true}
	if !o.offline {
		options.Images = registry.New(dockerCLI, version, o.insecure)
	}
	report, err := check.Check(ctx, inputs, options)
	if err != nil {
		return err
	}
	failed := o.verdict(report)
	report.Findings = slices.DeleteFunc(report.Findings, func(f check.Finding) bool { return !f.Level.AtLeast(check.Level(o.level)) })
	if err := writeReport(dockerCLI.Out(), o.format, report, version); err != nil {
		return err
	}
	return errors.Join(append([]error{failed}, report.Unknown...)...)
}

// verdict is what the findings mean for the exit code.
func (o checkOptions) verdict(report *check.Report) error {
	var e FindingsError
	for _, f := range report.Findings {
		switch f.Level {
		case check.Error:
			e.errors++
		case check.Warning:
			e.warnings++
		case check.Note:
		}
	}
	if e.errors > 0 || o.strict && e.warnings > 0 {
		return &e
	}
	return nil
}

// inputs reads what there is for each platform. done closes the build context.
func (o *checkOptions) inputs(ctx context.Context, dockerCLI command.Cli) (inputs []check.Input, done func(), err error) {
	done = func() {}
	wanted, err := o.wanted()
	if err != nil {
		return nil, done, err
	}
	root, err := os.OpenRoot(o.dir)
	if err != nil {
		return nil, done, argument.Wrong(fmt.Errorf("invalid build context: %w", err))
	}
	done = func() { _ = root.Close() }
	files := NewSet(o.dir, &o.file, argument.Stdin(ctx, dockerCLI.In()))
	if err := files.ReadKnown(wanted); err != nil {
		return nil, done, err
	}
	snapshot, err := source.Read(ctx, o.dir, files.Exclude())
	if err != nil {
		return nil, done, err
	}
	done = func() { _ = errors.Join(root.Close(), snapshot.Close()) }
	sent := NewFS(root, snapshot)
	for _, p := range wanted {
		path, err := files.path(p)
		if err != nil {
			return nil, done, err
		}
		file, err := files.Of(p)
		if err != nil {
			return nil, done, err
		}
		inputs = append(inputs, check.Input{
			Platform: p, Name: path, Dockerfile: file.Content, Target: o.target.Single(p), Context: sent,
			Args: givenArgs(o.buildArgs.List(p)), NamedContexts: opts.ConvertKVStringsToMap(o.buildContexts.List(p)),
		})
	}
	return inputs, done, nil
}

// wanted are the platforms to judge for.
func (o *checkOptions) wanted() ([]ocispec.Platform, error) {
	if fromEnv := os.Getenv("DOCKER_DEFAULT_PLATFORM"); len(o.platforms) == 0 && fromEnv != "" {
		o.platforms = []string{fromEnv}
	}
	if len(o.platforms) == 0 {
		o.platforms = []string{"linux/amd64", "linux/arm64"}
	}
	wanted, err := argument.Platforms(o.platforms)
	if err != nil {
		return nil, err
	}
	for flag, values := range map[string]*argument.PlatformValues{"file": &o.file, "build-arg": &o.buildArgs, "target": &o.target, "build-context": &o.buildContexts} {
		if err := values.Check(flag, wanted); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}

// givenArgs are build arguments; one without a value has that of the environment.
func givenArgs(values []string) map[string]string {
	args := map[string]string{}
	for key, value := range opts.ConvertKVStringsToMapWithNil(values) {
		if value != nil {
			args[key] = *value
		} else if fromEnv, ok := os.LookupEnv(key); ok {
			args[key] = fromEnv
		}
	}
	return args
}
