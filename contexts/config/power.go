package config

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Power is how a node is started for a build and stopped after it. A node
// without a start command is never started or stopped.
type Power struct {
	// Start and Stop do it, Status prints one word about it.
	Start, Stop, Status Command
	// Wait is how long the engine may take to answer after Start; 0 is the
	// usual time.
	Wait time.Duration
	// Idle is how long the node stays up after its last build.
	Idle time.Duration
	// Keep says that the node is started, and never stopped but by hand.
	Keep bool
	// Deadman says that the node turns itself off when nobody renews it.
	Deadman bool
}

// Command is a command of the user's: the words of one, or a line for the
// shell. The zero Command is none.
type Command struct {
	Args  []string
	Shell string
}

// IsZero says that there is no command.
func (c Command) IsZero() bool { return len(c.Args) == 0 && c.Shell == "" }

// Wakes says that the node can be started.
func (p Power) Wakes() bool { return !p.Start.IsZero() }

// String shows the command as it is written in the file.
func (c Command) String() string {
	if c.Shell != "" {
		return "shell: " + c.Shell
	}
	return "[" + strings.Join(c.Args, ", ") + "]"
}

// Setting is a key of the file and what it is set to.
type Setting struct{ Key, Value string }

// Settings are those about power, whether they are set or not.
func (p Power) Settings() []Setting {
	return []Setting{
		{startKey, p.Start.String()},
		{stopKey, p.Stop.String()},
		{"status", p.Status.String()},
		{"wait", p.Wait.String()},
		{"idle", p.Idle.String()},
		{keepKey, strconv.FormatBool(p.Keep)},
		{"deadman", strconv.FormatBool(p.Deadman)},
	}
}

// powerKeys are the keys of a node about starting and stopping it.
var powerKeys = []key[Node]{
	{startKey, func(d *decoder, v *yaml.Node, n *Node) { n.Start = d.command(v, startKey) }},
	{stopKey, func(d *decoder, v *yaml.Node, n *Node) { n.Stop = d.command(v, stopKey) }},
	{"status", func(d *decoder, v *yaml.Node, n *Node) { n.Status = d.command(v, "status") }},
	{"wait", func(d *decoder, v *yaml.Node, n *Node) { n.Wait = d.duration(v, "wait") }},
	{"idle", func(d *decoder, v *yaml.Node, n *Node) { n.Idle = d.duration(v, "idle") }},
	{keepKey, func(d *decoder, v *yaml.Node, n *Node) { n.Keep = d.boolean(v, keepKey) }},
	{"deadman", func(d *decoder, v *yaml.Node, n *Node) { n.Deadman = d.boolean(v, "deadman") }},
}

const (
	startKey = "start"
	stopKey  = "stop"
	keepKey  = "keep"
)

// command reads a list of words, or a mapping with the key shell. A plain string
// is neither: whether a shell reads it must be plain to see.
func (d *decoder) command(v *yaml.Node, what string) Command {
	var c Command
	switch {
	case v.Kind == yaml.MappingNode && len(v.Content) == 2 && v.Content[0].Value == "shell":
		c.Shell = d.word(v.Content[1], what)
		return c
	case v.Kind != yaml.SequenceNode || len(v.Content) == 0:
		d.fail(v, "%s must be a list of words such as [systemctl, start, vm], or a mapping with the key shell, not %s", what, describe(v))
		return c
	}
	for _, item := range v.Content {
		c.Args = append(c.Args, d.word(item, what))
	}
	return c
}

// word reads a string of a command. Numbers and the like are taken as written.
func (d *decoder) word(v *yaml.Node, what string) string {
	if v.Kind != yaml.ScalarNode || v.Value == "" {
		d.fail(v, "a word of %s must not be %s", what, describe(v))
	}
	return v.Value
}

// checkPower reports settings that make no sense together, at the key that is
// one too many, or the one that lacks another.
func (d *decoder) checkPower(n Node) {
	fail := func(key, text string) {
		d.errs = append(d.errs, &Error{Path: d.path, Line: n.LineOf(key), Err: errors.New(text)})
	}
	starts := n.LineOf(startKey) > 0
	if starts && n.LineOf("platforms") == 0 {
		fail(startKey, "a node with start needs platforms: an engine that sleeps can't say what it is")
	}
	if starts && n.LineOf(stopKey) == 0 && !n.Keep {
		fail(startKey, "a node with start needs stop, or keep: true")
	}
	for _, k := range powerKeys {
		if k.name != startKey && n.LineOf(k.name) > 0 && !starts {
			fail(k.name, k.name+" needs start")
		}
	}
}
