package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.yaml.in/yaml/v3"
)

// topKeys are the keys at the top of the file.
var topKeys = []key[Config]{
	{modeKey, func(d *decoder, v *yaml.Node, c *Config) {
		c.Explicit = d.oneOf(v, modeKey, "all", "explicit") == "explicit"
	}},
	{"platforms", func(d *decoder, v *yaml.Node, c *Config) { c.Platforms = d.platforms(v, "platforms") }},
	{"probe-timeout", func(d *decoder, v *yaml.Node, c *Config) { c.ProbeTimeout = d.duration(v, "probe-timeout") }},
	{nodeKey, func(d *decoder, v *yaml.Node, c *Config) { c.Nodes = d.nodes(v) }},
}

// nodeKeys are the keys under the name of a context.
var nodeKeys = append([]key[Node]{
	{"platforms", func(d *decoder, v *yaml.Node, n *Node) { n.Platforms = d.platforms(v, "platforms") }},
	{"parallel", func(d *decoder, v *yaml.Node, n *Node) { n.Parallel = d.count(v, "parallel") }},
	{"builder", func(d *decoder, v *yaml.Node, n *Node) { n.Builder = d.oneOf(v, "builder", "buildkit", "classic") }},
	{"push", func(d *decoder, v *yaml.Node, n *Node) { n.Relay = d.oneOf(v, "push", "engine", "relay") == "relay" }},
	{"insecure", func(d *decoder, v *yaml.Node, n *Node) { n.Insecure = d.boolean(v, "insecure") }},
	{excludeKey, func(d *decoder, v *yaml.Node, n *Node) { n.Exclude = d.boolean(v, excludeKey) }},
}, powerKeys...)

const excludeKey = "exclude"

func (d *decoder) nodes(v *yaml.Node) []Node {
	if isNull(v) {
		return nil
	}
	var all []Node
	for _, p := range d.pairs(mapping{v, nodeKey}) {
		n := Node{Name: p.key.Value, Line: p.key.Line, lines: map[string]int{}}
		if n.Name == "" {
			d.fail(p.key, "the name of a context is empty")
		}
		// A name alone is a node without settings of its own.
		if !isNull(p.value) {
			decodeMapping(d, mapping{p.value, fmt.Sprintf("node %q", n.Name)}, &n, n.lines, nodeKeys)
			d.checkPower(n)
			n.added = len(n.lines) == 1 && n.LineOf(excludeKey) > 0 && onOneLine(p)
		}
		all = append(all, n)
	}
	return all
}

// onOneLine says that the entry is written {like: this}, without a comment.
func onOneLine(p pair) bool {
	uncommented := p.key.HeadComment+p.key.LineComment+p.value.LineComment == ""
	return p.value.Style&yaml.FlowStyle != 0 && uncommented
}

func (d *decoder) oneOf(v *yaml.Node, what string, words ...string) string {
	for _, word := range words {
		if v.Kind == yaml.ScalarNode && v.Value == word {
			return word
		}
	}
	d.fail(v, "%s must be %s, not %s", what, strings.Join(words, " or "), describe(v))
	return ""
}

func (d *decoder) duration(v *yaml.Node, what string) time.Duration {
	t, err := time.ParseDuration(v.Value)
	if v.Kind != yaml.ScalarNode || err != nil || t <= 0 {
		d.fail(v, "%s must be a time such as 5s or 500ms, not %s", what, describe(v))
	}
	return t
}

func (d *decoder) count(v *yaml.Node, what string) int {
	i, err := strconv.Atoi(v.Value)
	if v.ShortTag() != "!!int" || err != nil || i < 1 {
		d.fail(v, "%s must be a whole number, 1 or more, not %s", what, describe(v))
	}
	return i
}

func (d *decoder) boolean(v *yaml.Node, what string) bool {
	var b bool
	if v.ShortTag() != "!!bool" || v.Decode(&b) != nil {
		d.fail(v, "%s must be true or false, not %s", what, describe(v))
	}
	return b
}

func (d *decoder) platforms(v *yaml.Node, what string) []ocispec.Platform {
	if v.Kind != yaml.SequenceNode {
		d.fail(v, "%s must be a list such as [linux/arm64, linux/arm/v7], not %s", what, describe(v))
		return nil
	}
	var all []ocispec.Platform
	for _, item := range v.Content {
		p, err := parsePlatform(item.Value)
		if item.Kind != yaml.ScalarNode || err != nil {
			d.fail(item, "%s must be written os/arch[/variant] with names that exist, not %s", what, describe(item))
			continue
		}
		all = append(all, p)
	}
	return all
}

// parsePlatform wants operating system and architecture, and both to be known:
// a name with a slip of the pen would silently match nothing.
func parsePlatform(text string) (ocispec.Platform, error) {
	p, err := platforms.Parse(text)
	if err != nil {
		return p, err
	}
	os, arch, _ := strings.Cut(text, "/")
	arch, _, _ = strings.Cut(arch, "/")
	// Parsed alone, only a known word comes back as what it is.
	known, err := platforms.Parse(os)
	if err != nil || os == "" || known.OS != p.OS {
		return p, fmt.Errorf("unknown operating system %q", os)
	}
	known, err = platforms.Parse(arch)
	if err != nil || arch == "" || known.Architecture != p.Architecture {
		return p, fmt.Errorf("unknown architecture %q", arch)
	}
	return platforms.Normalize(p), nil
}

func isNull(v *yaml.Node) bool { return v.Kind == yaml.ScalarNode && v.ShortTag() == "!!null" }

// describe says what stands in the file where something else should.
func describe(v *yaml.Node) string {
	switch v.Kind { //nolint:exhaustive // a scalar remains
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	const longest = 40
	if isNull(v) {
		return "nothing"
	}
	if len(v.Value) > longest {
		return strconv.Quote(v.Value[:longest]) + "…"
	}
	return strconv.Quote(v.Value)
}
