package build

import (
	"strings"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// dockerImage is how the location of a named context that is an image begins.
const dockerImage = "docker-image://"

// Access is a repository that a node has to do with while it builds.
type Access struct {
	Repository reference.Named
	// Push says that the node may also write there: a cache, or the image while
	// BuildKit pushes that.
	Push bool
}

// Access returns what a build of p needs in registries: its base images, named
// contexts that are images, and caches. Each repository is there once.
func (r Request) Access(p ocispec.Platform) ([]Access, error) {
	images, err := basesOf(r.Dockerfile, r.BuildArgs, r.Target, p)
	if err != nil {
		return nil, err
	}
	var all accesses
	for _, image := range images {
		all.add(image, false)
	}
	for _, context := range r.NamedContexts {
		if name, ok := strings.CutPrefix(context.Location, dockerImage); ok {
			all.parse(name, false)
		}
	}
	for _, cache := range r.CacheFrom {
		all.parse(cache.Attrs["ref"], false)
	}
	for _, cache := range r.CacheTo {
		all.parse(cache.Attrs["ref"], true)
	}
	if r.pushTo != nil {
		all.add(r.pushTo, true)
	}
	return all, nil
}

type accesses []Access

// parse adds an image by its name. One that is none is for the engine to refuse.
func (a *accesses) parse(name string, push bool) {
	if named, err := reference.ParseNormalizedNamed(name); err == nil {
		a.add(named, push)
	}
}

func (a *accesses) add(image reference.Named, push bool) {
	repository := reference.TrimNamed(image)
	for i, has := range *a {
		if has.Repository.Name() == repository.Name() {
			(*a)[i].Push = has.Push || push
			return
		}
	}
	*a = append(*a, Access{repository, push})
}

// at returns those at a registry.
func (a accesses) at(host string) (all accesses) {
	for _, one := range a {
		if reference.Domain(one.Repository) == host {
			all = append(all, one)
		}
	}
	return all
}

// asked returns what scopes, as in the registry's token specification, ask for and
// the build needs.
func (a accesses) asked(scopes []string) (all accesses) {
	for _, one := range a {
		if found, push := asks(scopes, one.Repository); found {
			all = append(all, Access{one.Repository, one.Push && push})
		}
	}
	return all
}

// asks tells whether scopes are about a repository, and about writing to it.
func asks(scopes []string, r reference.Named) (found, push bool) {
	for _, scope := range strings.Fields(strings.Join(scopes, " ")) {
		kind, rest, _ := strings.Cut(scope, ":")
		name, actions, ok := strings.Cut(rest, ":")
		if ok && kind == "repository" && name == reference.Path(r) {
			found = true
			for action := range strings.SplitSeq(actions, ",") {
				push = push || action == "push"
			}
		}
	}
	return found, push
}
