package build

import (
	"context"

	"github.com/distribution/reference"
	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"

	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/credential"
)

// Request is what is to be built. It names no node.
type Request struct {
	// Context is the build context, Dockerfile the Dockerfile and its ignore
	// rules.
	Context    *source.Snapshot
	Dockerfile *source.Dockerfile
	// SharedKey identifies the build context across runs: an engine that saw
	// this key before asks only for the files that changed.
	SharedKey string
	// NamedContexts are further sources by the name that the Dockerfile uses.
	NamedContexts map[string]NamedContext
	// Target is the stage to build; empty is the last one.
	Target string
	// BuildArgs and Labels are as given by --build-arg and --label.
	BuildArgs map[string]string
	Labels    map[string]string
	// Annotations go into the image manifest.
	Annotations map[string]string
	// Attests are the attestations to make, by type ("sbom", "provenance"),
	// each with its parameters as BuildKit reads them.
	Attests map[string]string
	// NoCache ignores the engines' build caches; NoCacheFilter does so for
	// these stages. Pull has them look for newer base images.
	NoCache       bool
	NoCacheFilter []string
	Pull          bool
	// CacheFrom and CacheTo are caches outside of the engine.
	CacheFrom, CacheTo []buildkit.CacheOptionsEntry
	// AddHosts are lines for /etc/hosts in RUN steps, written host=ip; the ip may
	// be HostGateway.
	AddHosts []string
	// Network is the network mode of RUN steps; empty is the default.
	Network string
	// ShmSize is the size of /dev/shm in bytes; 0 is the default. Ulimits are
	// limits of RUN steps, written name=soft:hard.
	ShmSize      int64
	Ulimits      []string
	CgroupParent string
	// Call is a question about the Dockerfile, one of Calls, instead of a build.
	Call string
	// Outputs send the files here instead of an image to the engine's store.
	Outputs []Output
	// Tests are run before the image is pushed.
	Tests Tests
	// Secrets and SSH are what the build may use of the client's; nil is none.
	Secrets, SSH session.Attachable
	// pushTo is the repository that BuildKit pushes the result to, by its
	// digest, in the place of the engine's own store.
	pushTo reference.Named
	// Classic is what only the classic builder takes.
	Classic ClassicOptions
}

// ClassicOptions are the flags that the classic builder has and BuildKit lacks.
type ClassicOptions struct {
	// Isolation is process or hyperv, on Windows.
	Isolation   string
	SecurityOpt []string
	// Memory and MemorySwap are in bytes, CPUPeriod and CPUQuota in
	// microseconds; 0 is no limit.
	Memory, MemorySwap             int64
	CPUShares, CPUPeriod, CPUQuota int64
	CPUSetCPUs, CPUSetMems         string
	// Squash makes one layer of the new ones.
	Squash bool
	// KeepContainers keeps the containers of a build that worked, ForceRemove
	// removes them of one that failed too. BuildKit leaves none.
	KeepContainers, ForceRemove bool
	// Compress sends the build context compressed.
	Compress bool
}

// limits says whether any resource is limited.
func (c ClassicOptions) limits() bool {
	return c.Memory != 0 || c.MemorySwap != 0 || c.CPUShares != 0 || c.CPUPeriod != 0 || c.CPUQuota != 0 || c.CPUSetCPUs != "" || c.CPUSetMems != ""
}

// Requests returns what is to be built for an assignment: the flags that hold for
// its platform.
type Requests func(Assignment) Request

// NamedContext is a further source of a build: a directory, or what Location
// names (docker-image://, https://, a git URL).
type NamedContext struct {
	Location string
	Dir      *source.Snapshot
}

// Credentials returns the login for a registry host, as the user's Docker
// configuration has it; the zero value when there is none.
type Credentials func(ctx context.Context, host string) (credential.Login, error)
