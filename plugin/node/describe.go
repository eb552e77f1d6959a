package node

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/docker/cli/cli/command"

	"github.com/docker-multiarch/docker-multiarch/contexts/config"
)

// describeNodes writes a paragraph for each node.
func describeNodes(dockerCLI command.Cli, views []nodeView, c *config.Config) error {
	out := tabwriter.NewWriter(dockerCLI.Out(), 0, 0, 2, ' ', 0)
	for i, v := range views {
		if i > 0 {
			fmt.Fprintln(out)
		}
		for _, line := range describeNode(v, c) {
			if line[1] != "" {
				fmt.Fprintf(out, "%s:\t%s\n", line[0], line[1])
			}
		}
		for _, a := range v.Advice {
			fmt.Fprintf(out, "Advice:\t%s: %s\n", a.Code, a.Text)
		}
	}
	return out.Flush()
}

// describeNode returns label and text of each line; a line without a text is
// left out.
func describeNode(v nodeView, c *config.Config) [][2]string {
	row := newNodeRow(v, false)
	from := func(text, key string) string {
		if line := c.Node(v.Name).LineOf(key); line > 0 {
			return text + " (" + place(c, line) + ")"
		}
		return text
	}
	name, status, engine, clock, plain := v.Name, v.Status, v.Engine, "", ""
	if v.Current {
		name += " (current)"
	}
	if v.Reason != "" {
		status += ": " + v.Reason
	}
	if v.EngineID != "" {
		engine += " (API " + v.API + ")"
		clock = describeSkew(v.ClockSkewSeconds)
	}
	if v.Insecure {
		plain = from("allowed for logins", "insecure")
	}
	return [][2]string{
		{"Name", name},
		{"Endpoint", v.Endpoint},
		{"Status", status},
		{"Platform", v.Platform},
		{"Compatible", from(row.Compatible(), "platforms")},
		{"Emulated", row.Emulated()},
		{"Engine", engine},
		{"Engine ID", v.EngineID},
		{"Builder", v.Builder},
		{"Image store", v.ImageStore},
		{"CPUs", row.CPUs()},
		{"Memory", row.Memory()},
		{"Ping", row.Ping()},
		{"Clock", clock},
		{"Insecure registries", strings.Join(v.InsecureRegistries, ", ")},
		{"Builds at once", from(row.Parallel(), "parallel")},
		{"Plain tcp", plain},
	}
}

func describeSkew(seconds float64) string {
	skew := time.Duration(seconds * float64(time.Second))
	switch {
	case skew.Abs() <= 2*time.Second:
		return "as this machine's"
	case skew < 0:
		return skew.Abs().String() + " behind this machine's"
	default:
		return skew.String() + " ahead of this machine's"
	}
}
