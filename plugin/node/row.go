package node

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/go-units"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// nodeTable is the format of the table. A node that did not answer has no
// engine, so its cells stay empty.
const nodeTable = "table {{.Name}}{{if .Current}} *{{end}}\t{{.Endpoint}}\t{{.Status}}\t{{.Platform}}\t{{.Also}}\t{{.Engine}}\t" +
	"{{.Builder}}\t{{.ImageStore}}\t{{if .CPUs}}{{.CPUs}}/{{.Memory}}{{end}}\t{{.Ping}}\t{{.Reason}}"

// writeNodes writes views in a format of docker's, as a table if there is none.
func writeNodes(dockerCLI command.Cli, format string, noTrunc bool, views []nodeView) error {
	table := format == "" || format == formatter.TableFormatKey
	if table {
		format = nodeTable
	}
	row := func(v nodeView) formatter.SubContext { return newNodeRow(v, table && !noTrunc) }
	return writeRows(dockerCLI, format, row, views)
}

// writeRows writes rows in a format of docker's: table, json (an object a line) or a
// template.
func writeRows[T any](dockerCLI command.Cli, format string, row func(T) formatter.SubContext, all []T) error {
	var none T // which has the names of the columns too
	out := formatter.Context{Output: dockerCLI.Out(), Format: formatter.Format(format)}
	err := out.Write(row(none), func(write func(formatter.SubContext) error) error {
		for _, one := range all {
			if err := write(row(one)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return argument.Wrong(fmt.Errorf("invalid --format: %w", err))
	}
	return nil
}

// nodeRow is a row of the table, and what a template may use.
type nodeRow struct {
	formatter.HeaderContext
	view     nodeView
	truncate bool
}

func newNodeRow(view nodeView, truncate bool) *nodeRow {
	row := &nodeRow{view: view, truncate: truncate}
	row.Header = formatter.SubHeaderContext{
		"Name": "NAME", "Endpoint": "ENDPOINT", "Status": "STATUS", "Platform": "PLATFORM", "Also": "ALSO",
		"Compatible": "COMPATIBLE", "Emulated": "EMULATED", "Engine": "ENGINE", "EngineID": "ENGINE ID", "API": "API",
		"Builder": "BUILDER", "ImageStore": "IMAGE STORE", "CPUs": "CPUS", "Memory": "MEMORY", "Ping": "PING",
		"Reason": "REASON", "Parallel": "PARALLEL", "Insecure": "INSECURE", "Advice": "ADVICE",
	}
	return row
}

func (r *nodeRow) MarshalJSON() ([]byte, error) { return json.Marshal(r.view) }
func (r *nodeRow) Name() string                 { return r.view.Name }
func (r *nodeRow) Current() bool                { return r.view.Current }
func (r *nodeRow) Endpoint() string             { return r.view.Endpoint }
func (r *nodeRow) Status() string               { return r.view.Status }
func (r *nodeRow) Platform() string             { return r.view.Platform }
func (r *nodeRow) Compatible() string           { return strings.Join(r.view.Compatible, ", ") }
func (r *nodeRow) Emulated() string             { return strings.Join(r.view.Emulated, ", ") }
func (r *nodeRow) Engine() string               { return r.view.Engine }
func (r *nodeRow) EngineID() string             { return r.view.EngineID }
func (r *nodeRow) API() string                  { return r.view.API }
func (r *nodeRow) Builder() string              { return r.view.Builder }
func (r *nodeRow) ImageStore() string           { return r.view.ImageStore }
func (r *nodeRow) Parallel() string             { return strconv.Itoa(r.view.Parallel) }
func (r *nodeRow) Insecure() string             { return strconv.FormatBool(r.view.Insecure) }

// Also are the platforms beside the engine's own.
func (r *nodeRow) Also() string {
	all := r.view.Compatible
	if len(r.view.Emulated) > 0 {
		all = append(slices.Clone(all), "emulated: "+r.Emulated())
	}
	return strings.Join(all, ", ")
}

// CPUs is empty when it is not known, as Memory and Ping are.
func (r *nodeRow) CPUs() string {
	if r.view.CPUs == 0 {
		return ""
	}
	return strconv.Itoa(r.view.CPUs)
}

func (r *nodeRow) Memory() string {
	if r.view.Memory == 0 {
		return ""
	}
	return units.BytesSize(float64(r.view.Memory))
}

func (r *nodeRow) Ping() string {
	if r.view.PingSeconds == 0 {
		return ""
	}
	ping := time.Duration(r.view.PingSeconds * float64(time.Second))
	if ping < time.Millisecond {
		return ping.Round(time.Microsecond).String()
	}
	return ping.Round(time.Millisecond).String()
}

// Reason is why the node is not ready; in the table only its cause, and no more
// than fits.
func (r *nodeRow) Reason() string {
	const longest = 80
	if r.truncate {
		return formatter.Ellipsis(r.view.short, longest)
	}
	return r.view.Reason
}

// Advice are the codes of the advice.
func (r *nodeRow) Advice() string {
	codes := make([]string, len(r.view.Advice))
	for i, a := range r.view.Advice {
		codes[i] = a.Code
	}
	return strings.Join(codes, ",")
}
