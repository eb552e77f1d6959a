package dockerfile

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/check"
)

// checkFormats are the formats of a report.
var checkFormats = []string{"table", "json", "sarif", "github"}

func writeReport(out io.Writer, format string, report *check.Report, version string) error {
	switch format {
	case "json":
		return writeJSON(out, report)
	case "sarif":
		return writeJSON(out, newSARIF(report, version))
	case "github":
		return writeGitHub(out, report)
	}
	return writeTable(out, report)
}

func writeJSON(out io.Writer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// writeTable writes which base image has which platform, and then each finding.
func writeTable(out io.Writer, report *check.Report) error {
	if len(report.Bases) > 0 {
		table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
		fmt.Fprintf(table, "STAGE\tIMAGE\t%s\n", strings.Join(report.Platforms, "\t"))
		for _, base := range report.Bases {
			row := append(make([]string, 0, 2+len(report.Platforms)), progress.Clean(base.Stage), progress.Clean(base.Image))
			for _, p := range report.Platforms {
				row = append(row, string(base.Has[p]))
			}
			fmt.Fprintln(table, strings.Join(row, "\t"))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	for _, f := range report.Findings {
		_, err := fmt.Fprintf(out, "\n%s:%d: %s: %s (%s)\n", progress.Clean(f.File), f.Line, f.Level, findingText(f), f.Rule)
		switch {
		case err != nil || f.Instead == "":
		case f.Level == check.Note: // BuildKit's rules have a page each
			_, err = fmt.Fprintf(out, "  see: %s\n", progress.Clean(f.Instead))
		default:
			_, err = fmt.Fprintf(out, "  instead: %s\n", progress.Clean(f.Instead))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// findingText says what is wrong, and for which platforms.
func findingText(f check.Finding) string {
	if len(f.Platforms) == 0 {
		return progress.Clean(f.Why)
	}
	return progress.Clean(strings.Join(f.Platforms, ", ") + ": " + f.Why)
}

// githubLevels are GitHub's names for the levels.
var githubLevels = map[check.Level]string{check.Error: "error", check.Warning: "warning", check.Note: "notice"}

// writeGitHub writes the workflow commands that make annotations in GitHub Actions
// (docs.github.com, "Workflow commands").
func writeGitHub(out io.Writer, report *check.Report) error {
	text := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	for _, f := range report.Findings {
		message := findingText(f)
		if f.Instead != "" {
			message += "\nInstead: " + progress.Clean(f.Instead)
		}
		_, err := fmt.Fprintf(out, "::%s file=%s,line=%d,title=%s::%s\n",
			githubLevels[f.Level], property.Replace(filepath.ToSlash(progress.Clean(f.File))), f.Line, property.Replace(f.Rule), text.Replace(message))
		if err != nil {
			return err
		}
	}
	return nil
}
