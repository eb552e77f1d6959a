package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/cli/cli"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/manifest"
)

type inspectOptions struct {
	reference string
	nodes     bool
	format    string
	raw       bool
}

func newInspectCommand(dockerCLI command.Cli, version string) *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect [OPTIONS] IMAGE",
		Short: "Show the platforms of an image in a registry, without pulling it",
		Args:  args(cli.ExactArgs(1)),
		RunE: run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			o.reference = args[0]
			return runInspect(ctx, dockerCLI, cmd, o, version)
		}),
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.nodes, "nodes", false, "Show which of your nodes run each platform natively")
	flags.StringVar(&o.format, "format", "table", `Format output: "table", "json", or a Go template applied to each platform`)
	flags.BoolVar(&o.raw, "raw", false, "Print the manifest as the registry has it")
	return cmd
}

func runInspect(ctx context.Context, dockerCLI command.Cli, cmd *cobra.Command, o inspectOptions, version string) error {
	named, err := reference.ParseNormalizedNamed(o.reference)
	if err != nil {
		return usage(fmt.Errorf("invalid reference %q: %w", o.reference, err))
	}
	inspection, err := newRegistry(dockerCLI, version).Inspect(ctx, reference.TagNameOnly(named))
	if err != nil {
		return err
	}
	if o.raw {
		_, err := dockerCLI.Out().Write(inspection.Raw)
		return err
	}
	var nodes contexts.Nodes
	if o.nodes {
		if nodes, err = probeNodes(ctx, dockerCLI, cmd); err != nil {
			return err
		}
		defer nodes.Close()
	}
	view := newInspectView(inspection, nodes, o.nodes)
	if o.format == formatter.JSONFormatKey {
		encoder := json.NewEncoder(dockerCLI.Out())
		encoder.SetIndent("", "  ")
		return encoder.Encode(view)
	}
	return view.write(dockerCLI, o)
}

// inspectView is what inspect shows; its JSON is a documented interface.
type inspectView struct {
	Reference string         `json:"reference"`
	MediaType string         `json:"mediaType"`
	Digest    string         `json:"digest"`
	Platforms []platformView `json:"platforms"`

	showNodes bool
}

// platformView is one platform of an image.
type platformView struct {
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
	// Size is the compressed size in bytes of config and layers.
	Size         int64    `json:"size"`
	Layers       int      `json:"layers"`
	Attestations int      `json:"attestations"`
	Nodes        []string `json:"nodes,omitempty"`
}

func newInspectView(in manifest.Inspection, nodes contexts.Nodes, showNodes bool) inspectView {
	view := inspectView{
		Reference: in.Reference, MediaType: in.Descriptor.MediaType, Digest: in.Descriptor.Digest.String(),
		Platforms: []platformView{}, showNodes: showNodes,
	}
	for _, image := range in.Images {
		p := platformView{
			Digest: image.Descriptor.Digest.String(), Size: image.Size,
			Layers: len(image.Layers), Attestations: len(image.Attestations), Platform: "not an image",
		}
		if own := image.Descriptor.Platform; own != nil {
			p.Platform = clean(platforms.FormatAll(*own))
			p.Nodes = nodeNames(slices.DeleteFunc(nodes.Best(*own), func(n *contexts.Node) bool {
				return n.Match(*own) != contexts.Native
			}))
		}
		view.Platforms = append(view.Platforms, p)
	}
	return view
}

func (v inspectView) write(dockerCLI command.Cli, o inspectOptions) error {
	format := o.format
	table := format == formatter.TableFormatKey
	if table {
		_, err := fmt.Fprintf(dockerCLI.Out(), "Name:      %s\nMediaType: %s\nDigest:    %s\n\n", v.Reference, clean(v.MediaType), v.Digest)
		if err != nil {
			return err
		}
		format = "table {{.Platform}}\t{{.Digest}}\t{{.Size}}\t{{.Layers}}\t{{.Attestations}}"
		if v.showNodes {
			format += "\t{{.Nodes}}"
		}
	}
	out := formatter.Context{Output: dockerCLI.Out(), Format: formatter.Format(format)}
	row := newPlatformRow(platformView{})
	if err := out.Write(row, func(write func(formatter.SubContext) error) error {
		for _, p := range v.Platforms {
			if err := write(newPlatformRow(p)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return usage(fmt.Errorf("invalid --format: %w", err))
	}
	return nil
}

// platformRow is a row of the table, and what a template may use.
type platformRow struct {
	formatter.HeaderContext
	view platformView
}

func newPlatformRow(view platformView) *platformRow {
	row := &platformRow{view: view}
	row.Header = formatter.SubHeaderContext{
		"Platform": "PLATFORM", "Digest": "DIGEST", "Size": "SIZE",
		"Layers": "LAYERS", "Attestations": "ATTESTATIONS", "Nodes": "NODES",
	}
	return row
}

func (r *platformRow) MarshalJSON() ([]byte, error) { return json.Marshal(r.view) }
func (r *platformRow) Platform() string             { return r.view.Platform }
func (r *platformRow) Digest() string               { return r.view.Digest }
func (r *platformRow) Size() string                 { return units.HumanSizeWithPrecision(float64(r.view.Size), 3) }
func (r *platformRow) Layers() string               { return strconv.Itoa(r.view.Layers) }
func (r *platformRow) Attestations() string         { return strconv.Itoa(r.view.Attestations) }
func (r *platformRow) Nodes() string                { return strings.Join(r.view.Nodes, ",") }
