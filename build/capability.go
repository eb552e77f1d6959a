package build

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// UnsupportedError is returned when an engine lacks what a request needs. Old
// engines drop what they do not know without a word, so it is refused before
// the build.
type UnsupportedError struct {
	// Feature is the flag or the syntax, Node and Version the engine.
	Feature, Node, Version string
	// Needs is what the engine would have to be.
	Needs string
}

// Error implements error.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s: node %s (engine %s) can't: it needs %s", e.Feature, e.Node, e.Version, e.Needs)
}

// feature is what a request may need of an engine.
type feature struct {
	name string
	used func(Request) bool
	// builder is the only one that has it; empty is either. What follows is
	// about BuildKit.
	builder contexts.Builder
	// since is the first engine that has it; empty is every engine.
	since string
	// frontend says that the Dockerfile frontend provides it: a "# syntax="
	// line brings a newer one to any engine.
	frontend bool
	// store is the image store that it needs; empty is either.
	store contexts.ImageStore
}

// features is what engines can do and since when. An engine embeds BuildKit and
// with it a Dockerfile frontend: 20.10 has BuildKit 0.8 and frontend 1.2, 23.0
// has 0.10 and 1.4, 24.0 has 0.11 and 1.5, 26.0 has 0.13, 27.0 has 0.14 and 1.8
// (the vendor.mod of moby's release branches).
var features = append([]feature{
	{name: "--build-context", used: func(r Request) bool { return len(r.NamedContexts) > 0 }, builder: contexts.BuildKit, since: "23.0", frontend: true},
	{name: "a here-document in the Dockerfile", used: hasHeredoc, builder: contexts.BuildKit, since: "23.0", frontend: true},
	{name: "--add-host with " + HostGateway, used: needsHostGateway, since: "24.0"},
	{name: "--shm-size", used: func(r Request) bool { return r.ShmSize > 0 }, since: "23.0", frontend: true},
	{name: "--ulimit", used: func(r Request) bool { return len(r.Ulimits) > 0 }, since: "23.0", frontend: true},
	{name: "--cgroup-parent", used: func(r Request) bool { return r.CgroupParent != "" }, since: "23.0", frontend: true},
	{name: "--provenance (--attest type=provenance)", used: attests("provenance"), builder: contexts.BuildKit, since: "24.0", store: contexts.Containerd},
	{name: "--sbom (--attest type=sbom)", used: attests("sbom"), builder: contexts.BuildKit, since: "24.0", store: contexts.Containerd},
	{name: "--annotation", used: func(r Request) bool { return len(r.Annotations) > 0 }, builder: contexts.BuildKit, since: "24.0", store: contexts.Containerd},
	{name: "--call", used: func(r Request) bool { return r.Call != "" }, builder: contexts.BuildKit, since: "27.0", frontend: true},
	{name: "--cache-to", used: func(r Request) bool { return len(r.CacheTo) > 0 }, builder: contexts.BuildKit},
	{name: "--cache-to", used: exportsCache, store: contexts.Containerd},
	{name: "--cache-from with a type other than registry", used: importsCache, builder: contexts.BuildKit},
	{name: "--secret", used: func(r Request) bool { return r.Secrets != nil }, builder: contexts.BuildKit},
	{name: "--ssh", used: func(r Request) bool { return r.SSH != nil }, builder: contexts.BuildKit},
	{name: "--no-cache-filter", used: func(r Request) bool { return len(r.NoCacheFilter) > 0 }, builder: contexts.BuildKit},
	{name: "--output", used: func(r Request) bool { return len(r.Outputs) > 0 }, builder: contexts.BuildKit},
	{name: "more than one --output", used: func(r Request) bool { return len(r.Outputs) > 1 }, since: "26.0"},
	{name: "--isolation", used: func(r Request) bool { return r.Classic.Isolation != "" }, builder: contexts.Classic},
	{name: "--security-opt", used: func(r Request) bool { return len(r.Classic.SecurityOpt) > 0 }, builder: contexts.Classic},
	{name: "--memory, --memory-swap, --cpu-* or --cpuset-*", used: func(r Request) bool { return r.Classic.limits() }, builder: contexts.Classic},
	{name: "--squash", used: func(r Request) bool { return r.Classic.Squash }, builder: contexts.Classic},
}, flagsOfInstructions()...)

// buildKitFlags are the flags of instructions that the classic builder refuses
// in the middle of a build ("requires BuildKit").
var buildKitFlags = map[string][]string{
	"run":  {"mount", "network", "security", "device"},
	"copy": {"chmod", "link", "parents", "exclude"},
	"add":  {"chmod", "link", "checksum", "keep-git-dir", "exclude", "unpack"},
}

func flagsOfInstructions() []feature {
	var all []feature
	for _, instruction := range slices.Sorted(maps.Keys(buildKitFlags)) {
		for _, flag := range buildKitFlags[instruction] {
			all = append(all, feature{
				name:    strings.ToUpper(instruction) + " --" + flag + " in the Dockerfile",
				used:    func(r Request) bool { return hasFlag(r.Dockerfile.Content, instruction, flag) },
				builder: contexts.BuildKit,
			})
		}
	}
	return all
}

// Check returns an *UnsupportedError for each thing that the engine of the
// assignment lacks for req, joined. An engine that sleeps can't say what it
// lacks; it is checked when it has been started. An [ErrNeedsTag] is for what the
// assignment pushes without a tag and its node can't.
func (a Assignment) Check(req Request) error {
	if a.Node.Asleep {
		return nil
	}
	var errs []error
	_, _, _, ownFrontend := parser.DetectSyntax(req.Dockerfile.Content)
	for _, f := range features {
		if needs := f.missing(a.Node.Engine, ownFrontend); needs != "" && f.used(req) {
			errs = append(errs, &UnsupportedError{Feature: f.name, Node: a.Node.Name, Version: a.Node.Engine.Version, Needs: needs})
		}
	}
	if err := a.checkUntagged(req); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// EpochArg is the build argument that has BuildKit give an image and its history
// one time, in seconds since 1970 (https://reproducible-builds.org/specs/source-date-epoch).
const EpochArg = "SOURCE_DATE_EPOCH"

// Ignored returns an *UnsupportedError for what is in req, the engine of the
// assignment makes no use of, and is no reason to fail: SOURCE_DATE_EPOCH, which
// distributions set for all that they build.
func (a Assignment) Ignored(req Request) error {
	epoch := feature{name: EpochArg, builder: contexts.BuildKit, since: "24.0"}
	if _, given := req.BuildArgs[EpochArg]; !given || a.Node.Asleep {
		return nil
	}
	if needs := epoch.missing(a.Node.Engine, false); needs != "" {
		return &UnsupportedError{Feature: epoch.name, Node: a.Node.Name, Version: a.Node.Engine.Version, Needs: needs}
	}
	return nil
}

// missing says what the engine would need for the feature, or "".
func (f feature) missing(e contexts.Engine, ownFrontend bool) string {
	if builder := cmp.Or(e.Builder, contexts.BuildKit); f.builder != "" && f.builder != builder {
		return map[contexts.Builder]string{contexts.BuildKit: "BuildKit", contexts.Classic: "the classic builder"}[f.builder]
	} else if builder == contexts.Classic {
		return ""
	}
	switch {
	case f.store != "" && f.store != e.ImageStore:
		return "the " + string(f.store) + " image store"
	case f.since != "" && olderThan(e.Version, f.since) && f.frontend && ownFrontend:
		return ""
	case f.since != "" && olderThan(e.Version, f.since) && f.frontend:
		return "engine " + f.since + ", or a \"# syntax=docker/dockerfile:1\" line"
	case f.since != "" && olderThan(e.Version, f.since):
		return "engine " + f.since
	}
	return ""
}

// olderThan compares engine versions by their first two numbers. A version that
// has none (a build from source) counts as new.
func olderThan(version, than string) bool {
	major, minor, ok := release(version)
	wantMajor, wantMinor, _ := release(than)
	return ok && cmp.Or(cmp.Compare(major, wantMajor), cmp.Compare(minor, wantMinor)) < 0
}

func release(version string) (major, minor int, ok bool) {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err := strconv.Atoi(first)
	if err != nil {
		return 0, 0, false
	}
	minor, err = strconv.Atoi(second)
	return major, minor, err == nil
}

func hasHeredoc(req Request) bool {
	parsed, err := parser.Parse(bytes.NewReader(req.Dockerfile.Content))
	if err != nil {
		return false
	}
	for _, node := range parsed.AST.Children {
		if len(node.Heredocs) > 0 {
			return true
		}
	}
	return false
}

// hasFlag says whether an instruction has the flag, with a value or without.
func hasFlag(dockerfile []byte, instruction, flag string) bool {
	parsed, err := parser.Parse(bytes.NewReader(dockerfile))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(parsed.AST.Children, func(node *parser.Node) bool {
		return strings.EqualFold(node.Value, instruction) && slices.ContainsFunc(node.Flags, func(s string) bool {
			name, _, _ := strings.Cut(s, "=")
			return name == "--"+flag
		})
	})
}

// importsCache says whether a cache comes from elsewhere than an image.
func importsCache(req Request) bool {
	return slices.ContainsFunc(req.CacheFrom, func(c buildkit.CacheOptionsEntry) bool { return c.Type != "registry" })
}

func attests(kind string) func(Request) bool {
	return func(r Request) bool {
		_, asked := r.Attests[kind]
		return asked
	}
}

// exportsCache says whether a cache goes anywhere but into the image itself.
func exportsCache(req Request) bool {
	for _, c := range req.CacheTo {
		if c.Type != "inline" {
			return true
		}
	}
	return false
}
