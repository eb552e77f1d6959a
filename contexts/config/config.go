package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// FileName is the name of the file in the Docker configuration directory.
const FileName = "multiarch.yaml"

// maxSize bounds the file, in bytes.
const maxSize = 1 << 20

// Config is what the file says. Fields that it does not set are zero.
type Config struct {
	// Path is where the file is, or would be.
	Path string
	// Explicit says that only the contexts in Nodes are build nodes; else
	// every context is one.
	Explicit bool
	// Platforms are what a build is for when nothing else says so, normalised.
	Platforms []ocispec.Platform
	// ProbeTimeout is how long one engine may take to say what it is.
	ProbeTimeout time.Duration
	// Nodes are the contexts that have settings, in order of preference.
	Nodes []Node

	lines map[string]int
	// foreign is why the file may not be all the user's own; nil when it is.
	foreign error
}

// ErrNotOwned is returned for commands in a file that others could have
// written.
var ErrNotOwned = errors.New("has commands, and may not be all your own")

// Node is what the file says of one Docker context.
type Node struct {
	// Name is the name of the context, and Line where it stands in the file.
	Name string
	Line int
	// Platforms are what the node builds natively beyond what its engine
	// says of itself, normalised.
	Platforms []ocispec.Platform
	// Parallel is how many builds may run on the node at once.
	Parallel int
	// Builder is the builder to use there, "buildkit" or "classic"; empty is
	// the one that the engine offers.
	Builder string
	// Relay says that the node doesn't push its images: the client takes them
	// over and pushes them.
	Relay bool
	// Insecure says that the node may be reached by plain tcp on another
	// host, even for pushes.
	Insecure bool
	// Exclude says that the context is never a node.
	Exclude bool
	// Power is how it is started and stopped.
	Power

	// added says that the entry is on one line and says nothing but exclude,
	// as Exclude writes it.
	added bool
	lines map[string]int
}

// LineOf returns the line of the file that sets key, for example
// "probe-timeout"; 0 when none does.
func (c *Config) LineOf(key string) int { return c.lines[key] }

// LineOf returns the line of the file that sets key for the node, for example
// "parallel"; 0 when none does.
func (n Node) LineOf(key string) int { return n.lines[key] }

// Node returns what the file says of the context name; only the name is set
// when it says nothing.
func (c *Config) Node(name string) Node {
	if i := c.index(name); i >= 0 {
		return c.Nodes[i]
	}
	return Node{Name: name}
}

// Names are the names of the contexts that have settings, in order of
// preference.
func (c *Config) Names() []string {
	all := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		all[i] = n.Name
	}
	return all
}

// Uses says whether the context name may be a build node.
func (c *Config) Uses(name string) bool {
	i := c.index(name)
	if i < 0 {
		return !c.Explicit
	}
	return !c.Nodes[i].Exclude
}

func (c *Config) index(name string) int {
	return slices.IndexFunc(c.Nodes, func(n Node) bool { return n.Name == name })
}

// Own returns an ErrNotOwned, with its line, if the file has commands and is not
// the user's alone. Then no command in it may be run.
func (c *Config) Own() error {
	for _, n := range c.Nodes {
		if c.foreign != nil && n.Wakes() {
			return &Error{Path: c.Path, Line: n.LineOf(startKey), Err: fmt.Errorf("%w: %w", ErrNotOwned, c.foreign)}
		}
	}
	return nil
}

// Check returns an error for every node that is not among the contexts known.
func (c *Config) Check(known []string) error {
	var errs []error
	for _, n := range c.Nodes {
		if !slices.Contains(known, n.Name) {
			errs = append(errs, c.unknownContext(n, known))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) unknownContext(n Node, known []string) error {
	return &Error{Path: c.Path, Line: n.Line, Err: fmt.Errorf("%w %q%s", ErrUnknownContext, n.Name, suggest(n.Name, known))}
}

// Read reads the file at path. A file that does not exist says nothing. All
// mistakes in it are reported at once; each is an *Error.
func Read(path string) (*Config, error) {
	// Before reading: what belongs to the user alone can't be replaced by
	// others afterwards.
	foreign := owned(path)
	text, err := load(path)
	if err != nil {
		return nil, err
	}
	doc, err := parse(path, text)
	if err != nil {
		return nil, err
	}
	c, err := decode(path, doc)
	if err == nil {
		c.foreign = foreign
	}
	return c, err
}

// load returns the content of the file, nothing when it does not exist.
func load(path string) ([]byte, error) {
	// A pipe or a device could keep the reader waiting.
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading configuration: %w", err)
	case !info.Mode().IsRegular():
		return nil, &Error{Path: path, Err: errors.New("not a regular file")}
	}
	file, err := os.Open(path) //nolint:gosec // the user's own configuration
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	if len(text) > maxSize {
		return nil, &Error{Path: path, Err: fmt.Errorf("larger than %d bytes", maxSize)}
	}
	return text, nil
}
