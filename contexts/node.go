package contexts

import (
	"errors"
	"net"
	"net/url"
	"time"

	dockerclient "github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Node is one engine that can be used for building, reached through one
// Docker context.
type Node struct {
	// Name is the name of the Docker context.
	Name string
	// Host is the endpoint as the context gives it, for example
	// "unix:///var/run/docker.sock" or "ssh://me@graviton".
	Host string
	// Current says that this is the context docker itself would use now.
	Current bool
	// Encrypted says that the endpoint is tcp with TLS.
	Encrypted bool
	// Engine is what the engine said of itself; it is empty until the node
	// was probed, and stays empty if that failed.
	Engine Engine
	// Declares are platforms that the node's processor runs itself, as the
	// user says; Emulates those that may be emulated on it.
	Declares, Emulates []ocispec.Platform
	// Asleep says that the node has to be started before it builds. What it
	// Declares is taken as native until its engine can say what it is.
	Asleep bool
	// HyperV are versions of Windows, older than the node's own, that may be
	// built there in virtual machines, as --isolation=hyperv asks for.
	HyperV []ocispec.Platform
	// Parallel is how many platforms the node builds at once; 0 is one.
	Parallel int
	// Builder is the builder that the user wants on it, BuildKit or Classic;
	// empty is the one that the engine offers.
	Builder Builder
	// Relay says that the node doesn't push: the client takes its images over
	// and pushes them.
	Relay bool
	// Insecure says that the user allows logins to cross plain tcp to it.
	Insecure bool
	// Timeout is how long its engine may take to say what it is; 0 is the
	// usual time.
	Timeout time.Duration
	// Ping is how long the engine took to answer the first request,
	// connecting included.
	Ping time.Duration
	// Err says why the node cannot be used; nil when it can, or when it
	// was not probed yet.
	Err error

	client *dockerclient.Client
	link   *sshLink
}

// Engine is what an engine says of itself.
type Engine struct {
	// ID is the engine's own identity; two contexts with one ID are one engine.
	ID string
	// Hostname is the name of the engine's machine.
	Hostname string
	// Version is the engine's version, for example "28.5.2".
	Version string
	// APIVersion is the version both sides agreed on, for example "1.51".
	APIVersion string
	// Platform is the engine's native platform, normalised; on Windows with
	// the OSVersion of the host.
	Platform ocispec.Platform
	// Builder is the builder the engine offers.
	Builder Builder
	// ImageStore is where the engine keeps its images.
	ImageStore ImageStore
	// CPUs is the number of processors and Memory the bytes of memory of
	// the engine's machine.
	CPUs   int
	Memory int64
	// Skew is how far the engine's clock is ahead of this machine's.
	Skew time.Duration
	// InsecureRegistries are the hosts and CIDR networks that the engine
	// itself reaches without verified TLS.
	InsecureRegistries []string
}

// Builder is the kind of builder an engine has.
type Builder string

// The two builders an engine can have.
const (
	BuildKit Builder = "buildkit"
	Classic  Builder = "classic"
)

// ImageStore is the way an engine keeps images. It decides what an image ID
// is: the digest of the config with a graph driver, the digest of the manifest
// or index with containerd's store.
type ImageStore string

// The two image stores an engine can have.
const (
	GraphDriver ImageStore = "graphdriver"
	Containerd  ImageStore = "containerd"
)

// Nodes are nodes in the order in which they are preferred.
type Nodes []*Node

// Client returns the API client of the node. It is nil when the context's
// endpoint could not be understood.
func (n *Node) Client() *dockerclient.Client { return n.client }

// Usable says that the node was probed and answered.
func (n *Node) Usable() bool { return n.Err == nil && n.Engine.ID != "" }

// Exposed says that the endpoint is plain tcp to another host, over which no
// credentials may go.
func (n *Node) Exposed() bool {
	u, err := url.Parse(n.Host)
	if err != nil {
		return true
	}
	return (u.Scheme == "tcp" || u.Scheme == "http") && !n.Encrypted && !Loopback(u.Hostname())
}

// Local says that the engine shares this machine's network: its endpoint is a
// local socket, or tcp on loopback.
func (n *Node) Local() bool {
	u, err := url.Parse(n.Host)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "unix", "npipe", "fd":
		return true
	case "tcp", "http", "https":
		return Loopback(u.Hostname())
	}
	return false
}

// Elsewhere says that the engine runs on another machine than the one with that
// host name. An endpoint's name alone does not tell: over ssh it may be an alias.
func (n *Node) Elsewhere(hostname string) bool {
	return hostname != "" && !n.Local() && n.Usable() && n.Engine.Hostname != hostname
}

// Loopback tells whether a host, a name or an address without a port, means the
// machine that uses it.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Close closes the connections of all nodes.
func (ns Nodes) Close() error {
	var errs []error
	for _, n := range ns {
		if n.client != nil {
			errs = append(errs, n.client.Close())
		}
		if n.link != nil {
			errs = append(errs, n.link.close())
		}
	}
	return errors.Join(errs...)
}
