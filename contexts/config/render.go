package config

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// render returns the text that says what is wanted.
func (l *layout) render(want *Config) ([]byte, error) {
	if err := l.setMode(want.Explicit); err != nil {
		return nil, err
	}
	if !l.hasNode && len(want.Nodes) > 0 {
		l.before = append(l.before, nodeKey+":"+l.newline)
	}
	lines := slices.Clone(l.before) // its array has the other parts, too
	for _, n := range want.Nodes {
		i := slices.IndexFunc(l.blocks, func(b block) bool { return b.name == n.Name })
		if i < 0 {
			lines = append(lines, l.newEntry(n))
			continue
		}
		changed, err := l.setExclude(l.blocks[i], n.Exclude)
		if err != nil {
			return nil, err
		}
		lines = append(lines, changed...)
	}
	return []byte(strings.Join(append(lines, l.after...), "")), nil
}

// newEntry is the line of a node that has no settings but perhaps exclude. In
// this form Include can take it out again.
func (l *layout) newEntry(n Node) string {
	line := l.indent + quoteName(n.Name) + ":"
	if n.Exclude {
		line += " {" + excludeKey + ": true}"
	}
	return line + l.newline
}

// setMode makes the value of the key nodes what is wanted.
func (l *layout) setMode(explicit bool) error {
	word := map[bool]string{false: "all", true: "explicit"}[explicit]
	switch {
	case l.mode == nil && !explicit:
		return nil
	case l.mode == nil:
		line := modeKey + ": " + word + l.newline
		l.before = slices.Insert(slices.Clone(l.before), l.start, line)
		return nil
	case l.mode.Line <= len(l.before):
		return splice(l.before, l.mode.Line-1, l.mode.Column, l.mode.Value, word)
	default:
		first := len(l.before)
		for _, b := range l.blocks {
			first += len(b.lines)
		}
		return splice(l.after, l.mode.Line-1-first, l.mode.Column, l.mode.Value, word)
	}
}

// setExclude returns the lines of b with exclude as wanted.
func (l *layout) setExclude(b block, wanted bool) ([]string, error) {
	lines := slices.Clone(b.lines)
	key, value := find(b.value, excludeKey)
	at := b.key.Line - b.first
	switch {
	case value != nil:
		return b.replace(lines, key, value, wanted)
	case !wanted:
		return lines, nil
	case b.value.Kind == yaml.MappingNode && b.value.Style&yaml.FlowStyle != 0:
		first := "{" + excludeKey + ": true"
		if len(b.value.Content) > 0 {
			first += ", "
		}
		return lines, splice(lines, b.value.Line-b.first, b.value.Column, "{", first)
	case isNull(b.value) && b.value.Value != "":
		return lines, splice(lines, b.value.Line-b.first, b.value.Column, b.value.Value, "{"+excludeKey+": true}")
	default:
		indent := l.indent + l.indent
		if b.value.Kind == yaml.MappingNode {
			indent = strings.Repeat(" ", b.value.Content[0].Column-1)
		}
		return slices.Insert(lines, at+1, indent+excludeKey+": true"+l.newline), nil
	}
}

// replace changes an exclude that is there. One that no longer holds is taken
// out, unless something else is on its line.
func (b block) replace(lines []string, key, value *yaml.Node, wanted bool) ([]string, error) {
	if strings.EqualFold(value.Value, "true") == wanted {
		return lines, nil
	}
	at := key.Line - b.first
	if !wanted && key.HeadComment == "" && strings.TrimSpace(lines[at]) == excludeKey+": "+value.Value {
		return slices.Delete(lines, at, at+1), nil
	}
	return lines, splice(lines, value.Line-b.first, value.Column, value.Value, strconv.FormatBool(wanted))
}

// find returns the entry of a mapping with that key.
func find(m *yaml.Node, name string) (key, value *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == name {
			return m.Content[i], m.Content[i+1]
		}
	}
	return nil, nil
}

// splice replaces old by new, which starts at the column (in characters, from
// 1) of the line with that index.
func splice(lines []string, at, column int, old, new string) error {
	if at < 0 || at >= len(lines) {
		return errLayout
	}
	runes := []rune(lines[at])
	if column < 1 || column > len(runes) {
		return errLayout
	}
	head, tail := string(runes[:column-1]), string(runes[column-1:])
	if !strings.HasPrefix(tail, old) {
		return errLayout
	}
	lines[at] = head + new + tail[len(old):]
	return nil
}
