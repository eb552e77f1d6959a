package plugin

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"
)

// The pages of docs/reference are made of the commands: with -update they are
// written. Nothing else is there.
func TestReference(t *testing.T) {
	dir, err := filepath.Abs("../docs/reference")
	assert.NilError(t, err)
	commands := visible(t)
	var names []string
	for path, c := range commands {
		name := pageName(path)
		names = append(names, name)
		golden.Assert(t, page(c, commands), filepath.Join(dir, name))
	}
	slices.Sort(names)
	entries, err := os.ReadDir(dir)
	assert.NilError(t, err)
	var there []string
	for _, entry := range entries {
		there = append(there, entry.Name())
	}
	assert.DeepEqual(t, there, names)
}

func pageName(path string) string {
	return strings.ReplaceAll("docker "+path, " ", "_") + ".md"
}

// page is the page of one command.
func page(c *cobra.Command, commands map[string]*cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# docker %s\n\n<!-- Made of the command itself: go test ./plugin -run TestReference -update -->\n\n", c.CommandPath())
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(&b, "%s\n\n```text\ndocker %s\n```\n", indentedAsCode(text), usageLine(c))
	if len(c.Aliases) > 0 {
		fmt.Fprintf(&b, "\nAlso: `%s`.\n", strings.Join(c.Aliases, "`, `"))
	}
	if c.HasSubCommands() {
		b.WriteString("\n## Commands\n\n| command | |\n|---|---|\n")
		for _, sub := range c.Commands() {
			if path := sub.CommandPath(); commands[path] != nil {
				fmt.Fprintf(&b, "| [`docker %s`](%s) | %s |\n", path, pageName(path), sub.Short)
			}
		}
	}
	if c.Flags().HasFlags() {
		b.WriteString("\n## Options\n\n| option | default | |\n|---|---|---|\n")
		c.Flags().VisitAll(func(f *pflag.Flag) { b.WriteString(optionRow(f)) })
	}
	if c.Example != "" {
		fmt.Fprintf(&b, "\n## Examples\n\n```console\n%s\n```\n", strings.ReplaceAll("\n"+c.Example, "\n  ", "\n$ ")[1:])
	}
	return b.String()
}

func usageLine(c *cobra.Command) string {
	parent := strings.TrimSuffix(c.CommandPath(), c.Name())
	if c.HasSubCommands() {
		return parent + c.Name() + " COMMAND"
	}
	return parent + c.Use
}

// indentedAsCode has the parts of a text that are indented, such as a file that
// is shown, as code.
func indentedAsCode(text string) string {
	var b strings.Builder
	code := false
	for line := range strings.Lines(text) {
		if indented := strings.HasPrefix(line, "  "); indented != code {
			b.WriteString(map[bool]string{true: "```text\n", false: "```\n"}[indented])
			code = indented
		}
		b.WriteString(line)
	}
	if code {
		b.WriteString("\n```")
	}
	return b.String()
}

func optionRow(f *pflag.Flag) string {
	name := "`--" + f.Name + "`"
	if f.Shorthand != "" {
		name = "`-" + f.Shorthand + "`, " + name
	}
	kind, usage := pflag.UnquoteUsage(f)
	if kind != "" {
		name += " " + kind
	}
	shown := f.DefValue
	if slices.Contains([]string{"", "[]", "false", "0"}, shown) {
		return fmt.Sprintf("| %s | | %s |\n", name, cell(usage))
	}
	return fmt.Sprintf("| %s | `%s` | %s |\n", name, strings.ReplaceAll(shown, "|", `\|`), cell(usage))
}

// cell writes text as Markdown takes it in a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", "<br>", "<", "&lt;").Replace(text)
}
