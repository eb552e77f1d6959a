package build

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/platform"
)

// Errors that a caller acts on.
var (
	// ErrTagCollision is returned when a per-platform tag is also a target
	// or another platform's tag.
	ErrTagCollision = errors.New("two images with one tag")
	// ErrNeedsTag is returned when images are to be pushed without
	// per-platform tags by a node that can push only what has a tag.
	ErrNeedsTag = errors.New("can't push without a per-platform tag")
	// ErrNodeLost is returned when a node's engine stopped answering.
	ErrNodeLost = errors.New("lost the node")
	// ErrNodeFull is returned when a node's disk is full.
	ErrNodeFull = errors.New("no space left on the node")
	// ErrImageLost is returned when an engine no longer has the image that it
	// just built.
	ErrImageLost = errors.New("the image was removed from the node while it was built")
	// ErrVersion is returned for an image of another version of Windows than was
	// asked for, or than the node can build.
	ErrVersion = errors.New("platform mismatch")
	// ErrBasePlatform is returned for a base image that there is, but not for
	// the platform that is built.
	ErrBasePlatform = errors.New("it is not for this platform")
	// ErrExposed is returned when a login would have to go to a node over
	// plain tcp.
	ErrExposed = errors.New("a login must not cross plain tcp")
	// ErrNoVerdict is returned when an engine ends a build or a push without
	// an error and without saying that it worked.
	ErrNoVerdict = errors.New("engine ended without a result")
)

// NoNodeError is returned by NewPlan when no node can build a platform. The
// zero Platform means that there is no usable node at all.
type NoNodeError struct {
	Platform ocispec.Platform
	Nodes    contexts.Nodes
}

func (e *NoNodeError) Error() string {
	var b strings.Builder
	if e.Platform.OS == "" {
		b.WriteString("no usable node")
	} else {
		fmt.Fprintf(&b, "no node for %s", platforms.FormatAll(e.Platform))
	}
	for _, n := range e.Nodes {
		fmt.Fprintf(&b, "\n  %s: %s", n.Name, whyNot(n, e.Platform))
	}
	return b.String()
}

// whyNot says why a node does not build p.
func whyNot(n *contexts.Node, p ocispec.Platform) string {
	own := n.Engine.Platform
	switch {
	case n.Err != nil:
		return n.Err.Error()
	case p.OS == "windows" && own.OS == p.OS && own.Architecture == p.Architecture && platform.CompareVersions(p.OSVersion, own.OSVersion) < 0:
		return "is " + platforms.FormatAll(own) + ", which runs an older version with --isolation=hyperv only"
	}
	return "is " + platforms.FormatAll(own)
}

// DroppedError is returned by NewPlan when the user named no platforms and
// publishing what the nodes offer now could take a platform away from the
// target.
type DroppedError struct {
	// Planned are the platforms that could be built.
	Planned []ocispec.Platform
	// Missing are platforms that the target has now and would lose.
	Missing []ocispec.Platform
	// Silent are nodes that did not answer, whose platforms are unknown.
	Silent contexts.Nodes
}

func (e *DroppedError) Error() string {
	var b strings.Builder
	b.WriteString("the published image could lose a platform")
	for _, p := range e.Missing {
		fmt.Fprintf(&b, "\n  %s is in the published image and no node builds it now", platforms.FormatAll(p))
	}
	for _, n := range e.Silent {
		fmt.Fprintf(&b, "\n  node %s: %v", n.Name, n.Err)
	}
	return b.String()
}

// dropped makes the *DroppedError of a push, or nil.
func dropped(nodes contexts.Nodes, planned []ocispec.Platform, want Wanted) error {
	if !want.Push {
		return nil
	}
	e := &DroppedError{Planned: planned}
	for _, p := range want.Published {
		if !kept(nodes, planned, p) && !contains(e.Missing, p) && !contains(want.AllowMissing, p) {
			e.Missing = append(e.Missing, p)
		}
	}
	for _, n := range nodes {
		if n.Err != nil && !errors.Is(n.Err, contexts.ErrSameEngine) && !errors.Is(n.Err, contexts.ErrAsleep) {
			e.Silent = append(e.Silent, n)
		}
	}
	if len(e.Missing) == 0 && len(e.Silent) == 0 {
		return nil
	}
	return e
}

// kept says whether a published platform would be built again: it is planned,
// and for a build of Windows there is a node of that build.
func kept(nodes contexts.Nodes, planned []ocispec.Platform, p ocispec.Platform) bool {
	return slices.ContainsFunc(planned, func(q ocispec.Platform) bool { return platform.Same(p, q) }) &&
		slices.ContainsFunc(nodes, func(n *contexts.Node) bool { return n.Match(p) == contexts.Native })
}

// NodeError says where in a build something went wrong.
type NodeError struct {
	Node     string
	Platform ocispec.Platform
	// Op is the phase: "build", "verify", "test" or "push", or the question of a
	// call.
	Op  string
	Err error
}

func (e *NodeError) Error() string {
	return fmt.Sprintf("%s on %s: %s: %v", platforms.FormatAll(e.Platform), e.Node, e.Op, e.Err)
}

func (e *NodeError) Unwrap() error { return e.Err }
