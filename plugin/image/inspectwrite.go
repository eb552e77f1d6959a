package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/go-units"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

func (in *inspectInput) write(dockerCLI command.Cli, views []inspectView) error {
	out := dockerCLI.Out()
	if in.format == formatter.JSONFormatKey {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		if len(in.names) == 1 {
			return encoder.Encode(views[0])
		}
		return encoder.Encode(views)
	}
	for i, view := range views {
		if i > 0 && in.format == formatter.TableFormatKey {
			fmt.Fprintln(out) //nolint:errcheck // what follows fails too
		}
		if err := view.write(out, in.format); err != nil {
			return err
		}
		for _, p := range view.Platforms {
			if p.Listed != "" {
				fmt.Fprintf(dockerCLI.Err(), "%s lists %s as %s, but the image is for %s\n", progress.Clean(view.Reference), p.Digest, p.Listed, p.Platform)
			}
		}
	}
	return nil
}

func (v inspectView) write(out io.Writer, format string) error {
	table := format == formatter.TableFormatKey
	if table {
		_, err := fmt.Fprintf(out, "Name:      %s\nMediaType: %s\nDigest:    %s\n\n", v.Reference, progress.Clean(v.MediaType), v.Digest)
		if err != nil {
			return err
		}
		format = v.columns()
	}
	rows := formatter.Context{Output: out, Format: formatter.Format(format)}
	if err := rows.Write(newPlatformRow(platformView{}), func(write func(formatter.SubContext) error) error {
		for _, p := range v.Platforms {
			if err := write(newPlatformRow(p)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return argument.Wrong(fmt.Errorf("invalid --format: %w", err))
	}
	if !table {
		return nil
	}
	return v.writeMore(out)
}

// columns are those that every image fills, and those that this one does.
func (v inspectView) columns() string {
	columns := []string{"table {{.Platform}}", "{{.Digest}}", "{{.Size}}", "{{.Layers}}", "{{.Attestations}}"}
	for _, c := range []struct {
		column string
		filled func(platformView) bool
	}{
		{"{{.Attested}}", func(p platformView) bool { return len(p.Attested) > 0 }},
		{"{{.Created}}", func(p platformView) bool { return p.Created != nil }},
		{"{{.Base}}", func(p platformView) bool { return p.Base != "" }},
		{"{{.Verified}}", func(p platformView) bool { return p.Verified != "" }},
		{"{{.Nodes}}", func(platformView) bool { return v.showNodes }},
	} {
		if slices.ContainsFunc(v.Platforms, c.filled) {
			columns = append(columns, c.column)
		}
	}
	return strings.Join(columns, "\t")
}

// writeMore shows what does not fit in the table.
func (v inspectView) writeMore(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, p := range v.Platforms {
		if len(p.LayerList) > 0 {
			fmt.Fprintf(table, "\nLayers of %s:\n", p.Platform)
		}
		for _, l := range p.LayerList {
			fmt.Fprintf(table, "%s\t%s\t%s\n", l.Digest, units.HumanSizeWithPrecision(float64(l.Size), 3), l.MediaType)
		}
	}
	if len(v.Annotations) > 0 {
		fmt.Fprintln(table, "\nAnnotations:")
	}
	for _, key := range slices.Sorted(maps.Keys(v.Annotations)) {
		fmt.Fprintf(table, "  %s=%s\n", key, strings.ReplaceAll(v.Annotations[key], "\n", " "))
	}
	return errors.Join(table.Flush())
}

// platformRow is a row of the table, and what a template may use.
type platformRow struct {
	formatter.HeaderContext
	view platformView
}

func newPlatformRow(view platformView) *platformRow {
	row := &platformRow{view: view}
	row.Header = formatter.SubHeaderContext{
		"Reference": "REFERENCE", "Platform": "PLATFORM", "OSVersion": "OS VERSION", "Digest": "DIGEST", "Size": "SIZE",
		"Layers": "LAYERS", "Attestations": "ATTESTATIONS", "Attested": "ATTESTED", "Created": "CREATED", "Base": "BASE", "Nodes": "NODES", "Verified": "VERIFIED",
	}
	return row
}

func (r *platformRow) MarshalJSON() ([]byte, error) { return json.Marshal(r.view) }
func (r *platformRow) Reference() string            { return r.view.reference }
func (r *platformRow) Platform() string             { return r.view.Platform }
func (r *platformRow) OSVersion() string            { return r.view.OSVersion }
func (r *platformRow) Digest() string               { return r.view.Digest }
func (r *platformRow) Size() string                 { return units.HumanSizeWithPrecision(float64(r.view.Size), 3) }
func (r *platformRow) Layers() string               { return strconv.Itoa(r.view.Layers) }
func (r *platformRow) Attestations() string         { return strconv.Itoa(r.view.Attestations) }
func (r *platformRow) Attested() string             { return strings.Join(r.view.Attested, ",") }
func (r *platformRow) Base() string                 { return r.view.Base }
func (r *platformRow) Verified() string             { return r.view.Verified }
func (r *platformRow) Nodes() string                { return strings.Join(r.view.Nodes, ",") }

func (r *platformRow) Created() string {
	if r.view.Created == nil {
		return ""
	}
	return r.view.Created.UTC().Format(time.DateOnly)
}
