package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/moby/sys/atomicwriter"
)

// ErrLayout is returned when the file is written in a way that can't be edited
// without changing more than was asked.
var ErrLayout = errors.New("can't be edited automatically; please change it by hand")

// Exclude makes the contexts names never be nodes.
func Exclude(path string, names ...string) error {
	return edit(path, func(c *Config) {
		for _, name := range names {
			c.entry(name).Exclude = true
		}
	})
}

// Include undoes Exclude for the contexts names. Where the file lists its nodes
// explicitly, names that it does not have are added to the list.
func Include(path string, names ...string) error {
	return edit(path, func(c *Config) {
		for _, name := range names {
			switch i := c.index(name); {
			case i < 0 && !c.Explicit:
			case i >= 0 && !c.Explicit && c.Nodes[i].added:
				// It would stay as a preference that nobody stated.
				c.Nodes = slices.Delete(c.Nodes, i, i+1)
			default:
				c.entry(name).Exclude = false
			}
		}
	})
}

// Use makes the contexts names the only nodes, preferred in that order. Other
// contexts keep their settings in the file, but are excluded.
func Use(path string, names ...string) error {
	return edit(path, func(c *Config) {
		c.Explicit = true
		var used []Node
		for _, name := range names {
			if slices.ContainsFunc(used, func(n Node) bool { return n.Name == name }) {
				continue
			}
			n := *c.entry(name)
			n.Exclude = false
			used = append(used, n)
		}
		for _, n := range c.Nodes {
			if !slices.Contains(names, n.Name) {
				n.Exclude = true
				used = append(used, n)
			}
		}
		c.Nodes = used
	})
}

// entry returns the settings of the context name, making them if need be.
func (c *Config) entry(name string) *Node {
	i := c.index(name)
	if i < 0 {
		i = len(c.Nodes)
		c.Nodes = append(c.Nodes, Node{Name: name})
	}
	return &c.Nodes[i]
}

// edit reads the file, changes what it says and replaces it in one step, one
// edit after the other. What the new text says is read back before it is written.
func edit(path string, change func(*Config)) error {
	return locked(path, func() error { return editAlone(path, change) })
}

func editAlone(path string, change func(*Config)) error {
	text, err := load(path)
	if err != nil {
		return err
	}
	root, err := parse(path, text)
	if err != nil {
		return err
	}
	now, err := decode(path, root)
	if err != nil {
		return err
	}
	want := *now
	want.Nodes = slices.Clone(now.Nodes)
	change(&want)
	if now.says(&want) {
		return nil
	}
	text, err = rewrite(path, text, &want)
	if err != nil {
		return err
	}
	return save(path, text)
}

// says tells whether both configurations say the same, wherever in a file.
func (c *Config) says(other *Config) bool {
	return reflect.DeepEqual(c.settings(), other.settings())
}

// settings is the configuration without anything about its file.
func (c *Config) settings() Config {
	bare := *c
	bare.Path, bare.lines, bare.foreign, bare.Nodes = "", nil, nil, nil
	for _, n := range c.Nodes {
		n.Line, n.lines, n.added = 0, nil, false
		bare.Nodes = append(bare.Nodes, n)
	}
	return bare
}

// save replaces the file, or the one that a symbolic link at path points to. It
// keeps the mode of an existing file.
func save(path string, text []byte) error {
	mode := os.FileMode(0o600)
	path = target(path)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if err := atomicwriter.WriteFile(path, text, mode); err != nil {
		return fmt.Errorf("writing configuration: %w", err)
	}
	return nil
}

// target is the file that a symbolic link at path points to, or path.
func target(path string) string {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		return target
	}
	return path
}
