package config

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	modeKey = "nodes"
	nodeKey = "node"
)

// otherBreaks are what ends a line for YAML, but not here.
var otherBreaks = regexp.MustCompile("\r(?:[^\n]|$)|[\u0085\u2028\u2029]")

// plainName is a name that needs no quotes in YAML.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+-]*$`)

func quote(text string) string { return strconv.Quote(text) }

// errLayout is an unusual layout: the caller writes the file anew.
var errLayout = errors.New("unusual layout")

// layout is the text of the file in the parts that an edit moves or changes.
type layout struct {
	newline string
	// before ends with the line "node:", if there is one; after follows its
	// last entry.
	before, after []string
	// start is where in before the key node begins with the comments above
	// it; hasNode says that it is there at all.
	start   int
	hasNode bool
	// mode is the value of the key nodes, nil when it is not there.
	mode *yaml.Node
	// indent is what stands before each name.
	indent string
	blocks []block
}

// block is one entry under node, with the comments above it.
type block struct {
	name       string
	lines      []string
	first      int // line number of lines[0]
	key, value *yaml.Node
}

func newLayout(text []byte, root *yaml.Node) (*layout, error) {
	if otherBreaks.Match(text) {
		return nil, errLayout
	}
	l := &layout{newline: "\n", indent: "  "}
	lines := slices.Collect(strings.Lines(string(text)))
	if len(lines) > 0 && strings.HasSuffix(lines[0], "\r\n") {
		l.newline = "\r\n"
	}
	if last := len(lines) - 1; last >= 0 && !strings.HasSuffix(lines[last], "\n") {
		lines[last] += l.newline
	}
	l.before, l.start = lines, len(lines)
	if root == nil || isNull(root) {
		return l, nil
	}
	if root.Style&yaml.FlowStyle != 0 {
		return nil, errLayout
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		switch key, value := root.Content[i], root.Content[i+1]; key.Value {
		case modeKey:
			l.mode = value
		case nodeKey:
			end := len(lines)
			if i+2 < len(root.Content) {
				end = commentsAbove(lines, root.Content[i+2], 0)
			}
			if err := l.split(lines, key, value, end); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

// split takes the entries out of lines; end is where the next key begins.
func (l *layout) split(lines []string, key, value *yaml.Node, end int) error {
	l.hasNode, l.start = true, commentsAbove(lines, key, 0)
	if isNull(value) && value.Value == "" {
		l.before, l.after = lines[:key.Line], lines[key.Line:]
		return nil
	}
	if value.Style&yaml.FlowStyle != 0 || value.Kind != yaml.MappingNode {
		return errLayout
	}
	width := value.Content[0].Column - 1
	l.indent = strings.Repeat(" ", width)
	end = trimEnd(lines[:end], width)
	for i := len(value.Content) - 2; i >= 0; i -= 2 {
		start := commentsAbove(lines, value.Content[i], key.Line)
		l.blocks = append(l.blocks, block{
			name: value.Content[i].Value, lines: lines[start:end:end], first: start + 1,
			key: value.Content[i], value: value.Content[i+1],
		})
		end = start
	}
	slices.Reverse(l.blocks)
	last := l.blocks[len(l.blocks)-1]
	l.before, l.after = lines[:end], lines[last.first-1+len(last.lines):]
	return nil
}

// commentsAbove returns the index of the first line of key: that of the comment
// lines directly above it, which are not indented more, else its own. The lines
// before index least don't belong to it.
func commentsAbove(lines []string, key *yaml.Node, least int) int {
	i := key.Line - 1
	for i > least && isComment(lines[i-1]) && indentation(lines[i-1]) <= key.Column-1 {
		i--
	}
	return i
}

// trimEnd returns how many of lines are left without the blank lines, comments
// and document markers at their end that are indented less than width.
func trimEnd(lines []string, width int) int {
	n := len(lines)
	for n > 0 {
		line := strings.TrimSpace(lines[n-1])
		outside := indentation(lines[n-1]) < width && (isComment(line) || line == "...")
		if line != "" && !outside {
			break
		}
		n--
	}
	return n
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " \t"), "#") }

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
