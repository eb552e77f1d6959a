package contexts

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	dockerclient "github.com/moby/moby/client"
)

// ErrUnknownContext is returned when a context asked for by name is not in the
// user's store.
var ErrUnknownContext = errors.New("no such Docker context")

// Store is the part of the Docker CLI that knows contexts.
type Store interface {
	ContextStore() store.Store
	CurrentContext() string
}

// defaultContext is the name docker gives to the engine of DOCKER_HOST or of
// the local socket. It is in every list, whether there is such an engine or not.
const defaultContext = "default"

// Load makes a node of each context in names, in that order, or of every
// context in the user's store when names is empty: the current one first, then
// by name. It dials nothing. A context whose endpoint can't be used becomes a
// node with an Err; a name that is not in the store is an ErrUnknownContext.
//
// Without names the context "default" is left out when it is not the current
// one and its local socket does not exist: docker lists it on machines that
// have no engine too, and nobody made it.
func Load(s Store, names ...string) (Nodes, error) {
	var nodes Nodes
	if len(names) > 0 {
		for _, name := range names {
			n, err := loadOne(s, name)
			if err != nil {
				return nil, errors.Join(err, nodes.Close())
			}
			nodes = append(nodes, n)
		}
		return nodes, nil
	}
	all, err := s.ContextStore().List()
	if err != nil {
		return nil, fmt.Errorf("listing Docker contexts: %w", err)
	}
	for _, meta := range all {
		n := newNode(s, meta)
		if meta.Name == defaultContext && !n.Current && !socketExists(n.Host) {
			continue
		}
		nodes = append(nodes, n)
	}
	nodes.Order(nil, nil)
	return nodes, nil
}

// Order sorts nodes by preference: those named in first, in that order; the
// current context; those named in recent; then by name.
func (ns Nodes) Order(first, recent []string) {
	rank := func(n *Node) int {
		if i := slices.Index(first, n.Name); i >= 0 {
			return i
		}
		switch {
		case n.Current:
			return len(first)
		case slices.Contains(recent, n.Name):
			return len(first) + 1
		default:
			return len(first) + 2
		}
	}
	slices.SortFunc(ns, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Name, b.Name))
	})
}

func loadOne(s Store, name string) (*Node, error) {
	meta, err := s.ContextStore().GetMetadata(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownContext, name)
	}
	return newNode(s, meta), nil
}

func newNode(s Store, meta store.Metadata) *Node {
	n := &Node{Name: meta.Name, Current: meta.Name == s.CurrentContext()}
	endpoint, err := docker.EndpointFromContext(meta)
	if err != nil {
		n.Err = err
		return n
	}
	n.Host = endpoint.Host
	if n.Host == "" {
		n.Host = dockerclient.DefaultDockerHost
	}
	n.Err = n.connect(s, endpoint)
	return n
}

// connect makes the API client of the node. Nothing is dialled.
func (n *Node) connect(s Store, meta docker.EndpointMeta) error {
	if strings.HasPrefix(n.Host, "ssh://") {
		return n.connectSSH()
	}
	endpoint, err := docker.WithTLSData(s.ContextStore(), n.Name, meta)
	if err != nil {
		return fmt.Errorf("reading TLS files of context %q: %w", n.Name, err)
	}
	n.Encrypted = endpoint.TLSData != nil || endpoint.SkipTLSVerify
	opts, err := endpoint.ClientOpts()
	if err != nil {
		return fmt.Errorf("reading endpoint of context %q: %w", n.Name, err)
	}
	return n.newClient(opts)
}

func (n *Node) connectSSH() error {
	link, dummyHost, err := newSSHLink(n.Host)
	if err != nil {
		return fmt.Errorf("reading endpoint of context %q: %w", n.Name, err)
	}
	n.link = link
	return n.newClient([]dockerclient.Opt{
		dockerclient.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: link.dial}}),
		dockerclient.WithHost(dummyHost), dockerclient.WithDialContext(link.dial), dockerclient.WithAPIVersionFromEnv(),
	})
}

func (n *Node) newClient(opts []dockerclient.Opt) (err error) {
	if n.client, err = dockerclient.New(opts...); err != nil {
		return fmt.Errorf("reading endpoint of context %q: %w", n.Name, err)
	}
	return nil
}

func socketExists(host string) bool {
	u, err := url.Parse(host)
	if err != nil || u.Scheme != "unix" {
		// A pipe on Windows or a DOCKER_HOST: let the probe tell.
		return true
	}
	_, err = os.Stat(u.Path)
	return err == nil
}
