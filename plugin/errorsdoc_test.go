package plugin

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// documented is a row of the table of errors in docs/errors.md.
type documented struct {
	code     int
	messages []*regexp.Regexp
	row      string
}

var (
	quoted  = regexp.MustCompile("`([^`]*)`")
	errorOf = regexp.MustCompile(`(?m)^\| (\d+) \| (.+) \| (.+) \|(.*) \|$`)
)

// documentedErrors reads docs/errors.md; … in a message stands for anything.
func documentedErrors(t *testing.T) []documented {
	t.Helper()
	text, err := os.ReadFile("../docs/errors.md")
	assert.NilError(t, err)
	_, table, found := strings.Cut(string(text), "\n## Errors\n")
	assert.Assert(t, found)
	table, _, _ = strings.Cut(table, "\n## ")
	var all []documented
	for _, cells := range errorOf.FindAllStringSubmatch(table, -1) {
		code, err := strconv.Atoi(cells[1])
		assert.NilError(t, err)
		d := documented{code: code, row: cells[0]}
		for _, message := range quoted.FindAllStringSubmatch(cells[2], -1) {
			d.messages = append(d.messages, regexp.MustCompile("(?s)"+strings.ReplaceAll(regexp.QuoteMeta(message[1]), "…", ".*")))
		}
		assert.Assert(t, len(d.messages) > 0, d.row)
		assert.Assert(t, cells[4] != "" || code == exitInterrupted, "what to do? %s", d.row)
		all = append(all, d)
	}
	return all
}

func (d documented) describes(code int, message string) bool {
	for _, m := range d.messages {
		if d.code == code && m.MatchString(message) {
			return true
		}
	}
	return false
}

func TestEveryErrorThatIsExplainedIsDocumented(t *testing.T) {
	t.Parallel()
	rows := documentedErrors(t)
	used := map[string]bool{}
	for _, c := range explained {
		found := false
		for _, d := range rows {
			if d.describes(c.code, c.err.Error()) {
				found, used[d.row] = true, true
			}
		}
		assert.Check(t, found || c.name == "anything else", "docs/errors.md lacks %s: exit code %d, %q", c.name, c.code, c.err)
	}
	for _, d := range rows {
		assert.Check(t, used[d.row], "no error is like this one: %s", d.row)
	}
}
