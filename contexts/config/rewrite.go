package config

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// rewrite returns the text changed so that it says what is wanted. A text whose
// layout does not lend itself to that is brought into the usual one first.
func rewrite(path string, text []byte, want *Config) ([]byte, error) {
	try := func(text []byte) ([]byte, error) {
		root, err := parse(path, text)
		if err != nil {
			return nil, err
		}
		l, err := newLayout(text, root)
		if err != nil {
			return nil, err
		}
		changed, err := l.render(want)
		if err != nil {
			return nil, err
		}
		return changed, verify(path, changed, want)
	}
	if changed, err := try(text); err == nil {
		return changed, nil
	}
	plain, err := normalise(path, text)
	if err != nil {
		return nil, err
	}
	changed, err := try(plain)
	if err != nil {
		return nil, &Error{Path: path, Err: ErrLayout}
	}
	return changed, nil
}

// verify returns an error when the text does not say what is wanted.
func verify(path string, text []byte, want *Config) error {
	root, err := parse(path, text)
	if err != nil {
		return err
	}
	got, err := decode(path, root)
	if err != nil {
		return err
	}
	if !got.says(want) {
		return errors.New("says something else")
	}
	return nil
}

// normalise writes the document anew, top and node in block style. Comments
// stay; blank lines and alignment may not.
func normalise(path string, text []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, syntaxError(path, err)
	}
	if len(doc.Content) == 0 || len(doc.Content[0].Content) == 0 {
		return comments(text), nil
	}
	untag(&doc)
	root := doc.Content[0]
	root.Style &^= yaml.FlowStyle
	for i := len(root.Content) - 2; i >= 0; i -= 2 {
		key, value := root.Content[i], root.Content[i+1]
		value.Style &^= yaml.FlowStyle | yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle
		if key.Value == nodeKey && len(value.Content) == 0 {
			root.Content = slices.Delete(root.Content, i, i+2)
		}
	}
	if len(root.Content) == 0 {
		return comments(text), nil
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(&doc), encoder.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// untag removes what no setting needs: explicit types and anchors.
func untag(n *yaml.Node) {
	n.Style &^= yaml.TaggedStyle
	n.Anchor = ""
	for _, child := range n.Content {
		untag(child)
	}
}

// comments returns the lines of text that are comments.
func comments(text []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("#")) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// quoteName returns the name of a context as a YAML key.
func quoteName(name string) string {
	if plainName.MatchString(name) && !strings.EqualFold(name, "null") {
		return name
	}
	return quote(name)
}
