package check

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// ErrDockerfile is returned for a Dockerfile that can't be parsed, or that lacks
// the target.
var ErrDockerfile = errors.New("invalid Dockerfile")

// dockerfile is a Dockerfile as BuildKit reads it.
type dockerfile struct {
	name    string
	content []byte
	lex     *shell.Lex
	global  []instructions.ArgCommand
	stages  []instructions.Stage
	// ignored are the rules that the comments before an instruction switch
	// off, by the instruction's first line.
	ignored map[int][]string
}

// ignorePrefix begins the comment that switches rules off for one instruction.
const ignorePrefix = "multiarch:ignore="

func parse(name string, content []byte) (*dockerfile, error) {
	parsed, err := parser.Parse(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDockerfile, err)
	}
	d := &dockerfile{name: name, content: content, lex: shell.NewLex(parsed.EscapeToken), ignored: map[int][]string{}}
	if d.stages, d.global, err = instructions.Parse(parsed.AST, nil); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDockerfile, err)
	}
	for _, node := range parsed.AST.Children {
		for _, comment := range node.PrevComment {
			list, ok := strings.CutPrefix(comment, ignorePrefix)
			if !ok {
				continue
			}
			list, _, _ = strings.Cut(list, " ") // what follows is the reason
			d.ignored[node.StartLine] = append(d.ignored[node.StartLine], strings.Split(list, ",")...)
		}
	}
	return d, nil
}

// line is the first line of an instruction.
func line(location []parser.Range) int {
	if len(location) == 0 {
		return 1
	}
	return location[0].Start.Line
}

// target returns the index of the stage that is built.
func (d *dockerfile) target(name string) (int, error) {
	if name == "" {
		return len(d.stages) - 1, nil
	}
	if i, ok := d.find(name, len(d.stages)); ok {
		return i, nil
	}
	return 0, fmt.Errorf("%w: no stage named %q", ErrDockerfile, name)
}

// find returns the stage of that name or number among the first n.
func (d *dockerfile) find(name string, n int) (int, bool) {
	for i := n - 1; i >= 0; i-- {
		if name != "" && (strings.EqualFold(d.stages[i].Name, name) || strconv.Itoa(i) == name) {
			return i, true
		}
	}
	return 0, false
}
