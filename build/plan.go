package build

import (
	"errors"
	"fmt"
	"slices"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/platform"
)

// Wanted is what a plan is made for.
type Wanted struct {
	// Platforms are the platforms asked for, normalised. None asks for the
	// native platforms of all usable nodes whose operating system is OS.
	Platforms []ocispec.Platform
	OS        string
	// Joins are platforms of other systems that join when Platforms is empty:
	// those that a Dockerfile of their own was named for.
	Joins []ocispec.Platform
	// Pins say which nodes may build a platform; a node that is pinned
	// builds nothing else. AllowMissing are platforms that may be absent from
	// the result, because no node builds them or because that fails.
	Pins         []Pin
	AllowMissing []ocispec.Platform
	// Targets are the names of the whole image, PlatformTag makes those of
	// each platform's; the zero PlatformTag makes none.
	Targets     []reference.NamedTagged
	PlatformTag TagTemplate
	// Push says that the images and the index are to be published, and
	// Published which platforms the targets have now.
	Push      bool
	Published []ocispec.Platform
}

// Pin binds a platform to a node.
type Pin struct {
	Platform ocispec.Platform
	Node     string
}

// Assignment is one platform's part of a plan.
type Assignment struct {
	Platform ocispec.Platform
	// Node is the node that builds the platform, Match how.
	Node  *contexts.Node
	Match contexts.Match
	// Optional says that the others go on without this platform if it fails.
	Optional bool
	// Able are all nodes that can build the platform, Node first: when one
	// is lost the next takes over.
	Able contexts.Nodes
	// Targets are the targets' own names, when the image gets them on its
	// node; PlatformTags the names it has there as this platform's image.
	Targets      []reference.NamedTagged
	PlatformTags []reference.NamedTagged
	// Pushes are the names under which the image is pushed: one platform tag
	// for each repository, or the repository itself where there are none.
	Pushes []reference.Named
}

// Names are all names that the image gets on the node.
func (a Assignment) Names() []reference.NamedTagged {
	return slices.Concat(a.Targets, a.PlatformTags)
}

// Plan says which node builds which platform, ordered by platform.
type Plan []Assignment

// NewPlan makes the plan for what is wanted. It talks to nobody. Its errors
// are a *NoNodeError for each platform that no node can build (joined), a
// *DroppedError, or an error about the tags.
func NewPlan(nodes contexts.Nodes, want Wanted) (Plan, error) {
	all := want.Platforms
	if len(all) == 0 {
		all = native(nodes, want)
		if err := dropped(nodes, all, want); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, &NoNodeError{Nodes: nodes}
	}
	plan, err := assign(nodes, all, want)
	if err != nil {
		return nil, err
	}
	if len(plan) == 0 {
		return nil, &NoNodeError{Nodes: nodes}
	}
	if err := plan.name(want); err != nil {
		return nil, err
	}
	return plan, plan.check(want)
}

// native returns the platforms of the usable nodes of the wanted operating
// system, each once, and those that join. No two of them differ in OS.version
// alone unless asked for.
func native(nodes contexts.Nodes, want Wanted) []ocispec.Platform {
	var all []ocispec.Platform
	for _, n := range nodes {
		p := n.Engine.Platform
		p.OSVersion = ""
		if n.Usable() && p.OS == want.OS && !contains(all, p) {
			all = append(all, p)
		}
	}
	for _, p := range want.Joins {
		if p.OS != want.OS && !contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

func assign(nodes contexts.Nodes, all []ocispec.Platform, want Wanted) (Plan, error) {
	var plan Plan
	var errs []error
	for _, p := range all {
		optional := contains(want.AllowMissing, p)
		allowed := candidates(nodes, p, want.Pins)
		able := allowed.Best(p)
		if len(able) == 0 {
			if !optional {
				errs = append(errs, &NoNodeError{Platform: p, Nodes: allowed})
			}
			continue
		}
		node := plan.free(able, p)
		plan = append(plan, Assignment{Platform: p, Node: node, Match: node.Match(p), Able: first(node, able), Optional: optional})
	}
	slices.SortFunc(plan, func(a, b Assignment) int { return platform.Compare(a.Platform, b.Platform) })
	return plan, errors.Join(errs...)
}

// candidates are the nodes that may build p: those pinned to it, else those
// pinned to nothing.
func candidates(nodes contexts.Nodes, p ocispec.Platform, pins []Pin) contexts.Nodes {
	var pinned, open contexts.Nodes
	for _, n := range nodes {
		mine := func(pin Pin) bool { return pin.Node == n.Name && platform.Compare(pin.Platform, p) == 0 }
		switch {
		case slices.ContainsFunc(pins, mine):
			pinned = append(pinned, n)
		case !slices.ContainsFunc(pins, func(pin Pin) bool { return pin.Node == n.Name }):
			open = append(open, n)
		}
	}
	if len(pinned) > 0 || slices.ContainsFunc(pins, func(pin Pin) bool { return platform.Compare(pin.Platform, p) == 0 }) {
		return pinned
	}
	return open
}

// free returns the first of the best nodes in able that the plan leaves room
// on, or the first of all.
func (plan Plan) free(able contexts.Nodes, p ocispec.Platform) *contexts.Node {
	for _, n := range able {
		if n.Match(p) < able[0].Match(p) {
			break
		}
		load := 0
		for _, a := range plan {
			if a.Node == n {
				load++
			}
		}
		if load < max(n.Parallel, 1) {
			return n
		}
	}
	return able[0]
}

// first returns able with node in front.
func first(node *contexts.Node, able contexts.Nodes) contexts.Nodes {
	rest := slices.DeleteFunc(slices.Clone(able), func(n *contexts.Node) bool { return n == node })
	return append(contexts.Nodes{node}, rest...)
}

// name gives every assignment its names. Where one node builds several
// platforms, only the one it matches best gets the targets' own names there:
// two images can't have one name.
func (plan Plan) name(want Wanted) error {
	best := map[*contexts.Node]int{}
	for i, a := range plan {
		if j, ok := best[a.Node]; !ok || a.Match > plan[j].Match {
			best[a.Node] = i
		}
	}
	for i := range plan {
		if best[plan[i].Node] == i {
			plan[i].Targets = want.Targets
		}
		if err := plan[i].tag(want); err != nil {
			return err
		}
	}
	return nil
}

func (a *Assignment) tag(want Wanted) error {
	repositories := map[string]bool{}
	for _, target := range want.Targets {
		name := reference.TrimNamed(target)
		if want.PlatformTag.template != nil {
			tag, err := want.PlatformTag.Tag(target, a.Platform)
			if err != nil {
				return err
			}
			// A template without the target's tag makes one for all targets of a repository.
			if !slices.ContainsFunc(a.PlatformTags, func(t reference.NamedTagged) bool { return t.String() == tag.String() }) {
				a.PlatformTags = append(a.PlatformTags, tag)
			}
			name = tag
		}
		if want.Push && !repositories[target.Name()] {
			repositories[target.Name()] = true
			a.Pushes = append(a.Pushes, name)
		}
	}
	return nil
}

// check finds what would go wrong in publishing.
func (plan Plan) check(want Wanted) error {
	owner := map[string]string{}
	for _, target := range want.Targets {
		owner[target.String()] = "the whole image"
	}
	for _, a := range plan {
		mine := platforms.FormatAll(a.Platform)
		for _, tag := range a.PlatformTags {
			if other, ok := owner[tag.String()]; ok {
				return fmt.Errorf("%w: %s would name %s and %s", ErrTagCollision, tag, other, mine)
			}
			owner[tag.String()] = mine
		}
		if want.Push && want.PlatformTag.template == nil && !pushesByDigest(a.Node) {
			return fmt.Errorf("%w: node %s, %s", ErrNeedsTag, a.Node.Name, mine)
		}
	}
	return nil
}

// Platforms returns the platforms of the plan, in its order.
func (plan Plan) Platforms() []ocispec.Platform {
	all := make([]ocispec.Platform, len(plan))
	for i, a := range plan {
		all[i] = a.Platform
	}
	return all
}

func contains(all []ocispec.Platform, p ocispec.Platform) bool {
	return slices.ContainsFunc(all, func(q ocispec.Platform) bool { return platform.Compare(p, q) == 0 })
}
