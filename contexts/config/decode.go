package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// syntaxLine is where the YAML library puts the line in its messages. It leaves
// line 1 out.
var syntaxLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// parse returns the root of the one document in text, nil when it is empty.
func parse(path string, text []byte) (*yaml.Node, error) {
	var doc, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	err := decoder.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err == nil {
		switch next := decoder.Decode(&more); {
		case next == nil:
			return nil, &Error{Path: path, Line: more.Line, Err: errors.New("a second document")}
		case !errors.Is(next, io.EOF):
			err = next
		}
	}
	if err != nil {
		return nil, syntaxError(path, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return doc.Content[0], nil
}

func syntaxError(path string, err error) error {
	text := err.Error()
	found := syntaxLine.FindStringSubmatch(text)
	if found == nil {
		return &Error{Path: path, Err: err}
	}
	line, convErr := strconv.Atoi(found[1])
	if convErr != nil {
		line = 1
	}
	return &Error{Path: path, Line: line, Err: errors.New(text[len(found[0]):])}
}

// decoder collects the mistakes in a document.
type decoder struct {
	path string
	errs []error
}

// decode makes a configuration of a document.
func decode(path string, root *yaml.Node) (*Config, error) {
	c := &Config{Path: path, lines: map[string]int{}}
	if root == nil || isNull(root) {
		return c, nil
	}
	d := &decoder{path: path}
	decodeMapping(d, mapping{root, "the file"}, c, c.lines, topKeys)
	if len(d.errs) > 0 {
		return nil, errors.Join(d.errs...)
	}
	return c, nil
}

func (d *decoder) fail(at *yaml.Node, format string, args ...any) {
	d.errs = append(d.errs, &Error{Path: d.path, Line: at.Line, Err: fmt.Errorf(format, args...)})
}

// mapping is what must be a mapping, and what messages call it.
type mapping struct {
	*yaml.Node
	what string
}

// pair is one entry of a mapping.
type pair struct{ key, value *yaml.Node }

// pairs returns the entries of a mapping, and reports keys that are not plain
// words or come twice.
func (d *decoder) pairs(m mapping) []pair {
	if m.Kind != yaml.MappingNode {
		d.fail(m.Node, "%s must be a mapping, not %s", m.what, describe(m.Node))
		return nil
	}
	var all []pair
	lines := map[string]int{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, value := m.Content[i], m.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || isNull(key):
			d.fail(key, "a key must be a word, not %s", describe(key))
		case lines[key.Value] != 0:
			d.fail(key, "key %q is already in line %d", key.Value, lines[key.Value])
		default:
			lines[key.Value] = key.Line
			all = append(all, pair{key, value})
		}
	}
	return all
}

// key is a key that a mapping may have, and what it does to the T that the
// mapping describes.
type key[T any] struct {
	name string
	set  func(d *decoder, value *yaml.Node, t *T)
}

// decodeMapping sets what the mapping m says in t, and the lines where it does.
func decodeMapping[T any](d *decoder, m mapping, t *T, lines map[string]int, known []key[T]) {
	for _, p := range d.pairs(m) {
		i := slices.IndexFunc(known, func(k key[T]) bool { return k.name == p.key.Value })
		if i < 0 {
			d.fail(p.key, "unknown key %q%s", p.key.Value, suggest(p.key.Value, names(known)))
			continue
		}
		lines[p.key.Value] = p.key.Line
		known[i].set(d, p.value, t)
	}
}

func names[T any](keys []key[T]) []string {
	all := make([]string, len(keys))
	for i, k := range keys {
		all[i] = k.name
	}
	return all
}
