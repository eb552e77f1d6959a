package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/moby/sys/atomicwriter"
)

const (
	file = "nodes.json"
	// maxBytes bounds the file, maxProjects what is remembered in it.
	maxBytes    = 4 << 20
	maxProjects = 500
)

// History is what earlier runs saw.
type History struct {
	// Nodes are by name of the Docker context.
	Nodes map[string]*Node `json:"nodes"`
	// Projects are by a key that the caller makes of a build context.
	Projects map[string]*Project `json:"projects"`

	root *os.Root
}

// Node is what earlier runs saw of one node. It counts only while the context
// still has the same endpoint.
type Node struct {
	Endpoint string    `json:"endpoint"`
	Dead     time.Time `json:"dead,omitzero"`
	Received time.Time `json:"received,omitzero"`
}

// Project is where a project was built last.
type Project struct {
	Built time.Time `json:"built"`
	// Nodes are the names of the nodes that built it.
	Nodes []string `json:"nodes"`
}

// Open reads the history in dir, which it makes if need be, readable for the
// user alone. Only a directory that can't be made or opened is an error.
func Open(dir string) (*History, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening history: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening history: %w", err)
	}
	h := &History{root: root}
	if h.read() != nil || h.Nodes == nil || h.Projects == nil {
		h.Nodes, h.Projects = map[string]*Node{}, map[string]*Project{}
	}
	return h, nil
}

func (h *History) read() error {
	f, err := h.root.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxBytes))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, h)
}

// Close writes the history and releases its directory. Of two runs that end at
// once, what one of them saw may be lost.
func (h *History) Close() error {
	h.forget()
	text, err := json.Marshal(h)
	if err == nil && h.isFile() {
		err = atomicwriter.WriteFile(h.root.Name()+string(os.PathSeparator)+file, text, 0o600)
	}
	return errors.Join(err, h.root.Close())
}

// isFile says that nothing but a file is in the way.
func (h *History) isFile() bool {
	info, err := h.root.Lstat(file)
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular()
}

// forget drops the projects that were built longest ago.
func (h *History) forget() {
	for len(h.Projects) > maxProjects {
		oldest := ""
		for key, p := range h.Projects {
			if oldest == "" || p.Built.Before(h.Projects[oldest].Built) {
				oldest = key
			}
		}
		delete(h.Projects, oldest)
	}
}

// Node returns what is known of a node, never nil. What was known of another
// endpoint under the same name is forgotten.
func (h *History) Node(name, endpoint string) *Node {
	n := h.Nodes[name]
	if n == nil || n.Endpoint != endpoint {
		n = &Node{Endpoint: endpoint}
		h.Nodes[name] = n
	}
	return n
}
