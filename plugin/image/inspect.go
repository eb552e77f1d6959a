package image

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/docker/go-units"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/check/binary"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/completion"
	"github.com/docker-multiarch/docker-multiarch/plugin/node"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

type inspectOptions struct {
	references []string
	nodes      bool
	format     string
	raw        bool
	config     bool
	layers     bool
	platforms  []string
	require    []string
	maxSize    string
	verify     string
	foreign    []string
	insecure   argument.Hosts
}

// NewInspectCommand returns the command inspect. version is the plugin's own.
func NewInspectCommand(dockerCLI command.Cli, version string) *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect [OPTIONS] IMAGE [IMAGE...]",
		Short: "Show the platforms of an image in a registry, without pulling it",
		Long: `Show the platforms of an image in a registry, without pulling it.

No engine is asked, unless --nodes wants to know which of them run a platform.
--require, --max-size and --verify make it a gate: exit code 4 says that the image
is not what was wanted. --format json and templates have a line a platform.

IMAGE can also be in an OCI image layout, "oci:DIR[:TAG][@DIGEST]", or in an
archive of one, "oci-archive:FILE[:TAG][@DIGEST]".`,
		Example: `  docker multiarch inspect registry.example.com/app:1
  docker multiarch inspect --require linux/amd64,linux/arm64 registry.example.com/app:1
  docker multiarch inspect --verify --max-size 200MB registry.example.com/app:1
  docker multiarch inspect --format '{{.Platform}} {{.Digest}}' registry.example.com/app:1
  docker multiarch inspect --platform linux/arm64 --config registry.example.com/app:1`,
		Args: cli.RequiresMinArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.references = args
			return withLayouts(cmd.Context(), dockerCLI, registry.New(dockerCLI, version, o.insecure), true, func(l *layouts, dockerCLI command.Cli) error {
				return runInspect(cmd.Context(), dockerCLI, cmd, o, l)
			})
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.nodes, "nodes", false, "Show which of your nodes run each platform natively")
	flags.StringVar(&o.format, "format", "table", `Format output: "table", "json", or a Go template applied to each platform`)
	flags.BoolVar(&o.raw, "raw", false, "Print the manifest as the registry has it")
	flags.StringSliceVar(&o.platforms, "platform", nil, "Show only these platforms")
	flags.BoolVar(&o.config, "config", false, "Print the image config of one platform as the registry has it")
	flags.BoolVar(&o.layers, "layers", false, "Show the layers of each platform")
	flags.StringSliceVar(&o.require, "require", nil, "Fail (exit code 4) unless the image has these platforms")
	argument.AddInsecureRegistry(cmd, &o.insecure)
	flags.StringVar(&o.maxSize, "max-size", "", `Fail (exit code 4) if a platform is larger, compressed (e.g. "200MB")`)
	flags.StringVar(&o.verify, "verify", argument.VerifyOff, `Fail (exit code 4) if programs are not of the image's architecture ("on" or "strict")`)
	flags.Lookup("verify").NoOptDefVal = argument.VerifyOn
	flags.StringSliceVar(&o.foreign, "allow-foreign", nil, "Paths in the image that may hold programs of other architectures")
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	completion.Flags(cmd, map[string]cobra.CompletionFunc{
		"platform": completion.Platforms(),
		"require":  completion.Platforms(),
		"format":   completion.Values("table", "json"),
		"verify":   completion.Values(argument.VerifyOff, argument.VerifyOn, argument.VerifyStrict),
	})
	return cmd
}

// inspectInput is what the flags mean.
type inspectInput struct {
	inspectOptions
	names     []reference.Named
	platforms []ocispec.Platform
	gate      inspectGate
	allowed   binary.Allowed
}

func (o inspectOptions) read() (*inspectInput, error) {
	in := &inspectInput{inspectOptions: o}
	for _, text := range o.references {
		named, err := argument.Reference(text)
		if err != nil {
			return nil, err
		}
		in.names = append(in.names, named)
	}
	var err error
	if in.platforms, err = argument.Platforms(o.platforms); err != nil {
		return nil, err
	}
	if in.gate.require, err = argument.Platforms(o.require); err != nil {
		return nil, err
	}
	if in.allowed, err = argument.Verify(o.verify, o.foreign); err != nil {
		return nil, err
	}
	in.gate.verify = o.verify != argument.VerifyOff
	if o.maxSize != "" {
		in.gate.maxSize, err = units.FromHumanSize(strings.TrimSpace(o.maxSize))
		if err != nil || in.gate.maxSize <= 0 {
			return nil, argument.Wrong(fmt.Errorf("invalid --max-size %q: want a size such as 200MB", o.maxSize))
		}
	}
	return in, in.check()
}

// check refuses flags of which one would be without effect.
func (in *inspectInput) check() error {
	exact := in.raw || in.config
	switch {
	case in.raw && in.config:
		return argument.Wrong(errors.New("--raw and --config: one at a time"))
	case exact && len(in.names) > 1:
		return argument.Wrong(errors.New("--raw and --config are for one image"))
	case in.raw && len(in.platforms) > 0:
		return argument.Wrong(errors.New("--raw prints what all platforms have in common, not one of them"))
	case exact && (in.layers || in.nodes || in.verify != argument.VerifyOff):
		return argument.Wrong(errors.New("--raw and --config print nothing else"))
	}
	return nil
}

func runInspect(ctx context.Context, dockerCLI command.Cli, cmd *cobra.Command, o inspectOptions, l *layouts) (err error) {
	if o.references, err = l.sources(ctx, o.references); err != nil {
		return err
	}
	in, err := o.read()
	if err != nil {
		return err
	}
	found, failed := in.fetch(ctx, l.registry)
	if len(found) == 0 {
		return failed
	}
	if in.raw || in.config {
		return in.printExact(ctx, dockerCLI, l.registry, found[0])
	}
	var misfits error
	if in.verify != argument.VerifyOff {
		if misfits, err = in.verifyAll(ctx, dockerCLI, l.registry, found); err != nil {
			return errors.Join(failed, err)
		}
	}
	var nodes contexts.Nodes
	if in.nodes {
		if nodes, err = node.Probe(ctx, dockerCLI, cmd); err != nil {
			return errors.Join(failed, err)
		}
		defer func() { _ = nodes.Close() }()
	}
	for _, f := range found {
		f.warnNested(dockerCLI)
	}
	views := make([]inspectView, len(found))
	for i, f := range found {
		views[i] = newInspectView(f, nodes, in)
	}
	if err := in.write(dockerCLI, views); err != nil {
		return err
	}
	return errors.Join(failed, misfits, in.gate.check(found))
}
