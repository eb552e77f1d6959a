package check

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// parallel is how many images are looked up at once.
const parallel = 8

// Base is an image that a stage takes from a registry, by FROM, COPY --from or a
// mount.
type Base struct {
	Stage string `json:"stage"`
	Image string `json:"image"`
	Line  int    `json:"line"`
	// Has says for each wanted platform whether the image is there.
	Has map[string]Answer `json:"has"`
}

// Answer says whether an image has a platform.
type Answer string

// The answers. Unused is for a platform whose image does not need the stage, and
// Unknown for an image that was not looked up, or could not be.
const (
	Has     Answer = "yes"
	Lacks   Answer = "no"
	Unused  Answer = "-"
	Unknown Answer = "?"
)

// bases is what registries say of the images of all platforms.
type bases struct {
	images Images
	known  map[string]*lookup
}

type lookup struct {
	name       reference.Named
	descriptor ocispec.Descriptor
	platforms  []ocispec.Platform
	err        error
}

func newBases(images Images) *bases { return &bases{images, map[string]*lookup{}} }

// lookUp asks for every image once.
func (b *bases) lookUp(ctx context.Context, views []*view) error {
	if b.images == nil {
		return nil
	}
	var work errgroup.Group
	work.SetLimit(parallel)
	for _, v := range views {
		for _, use := range v.images {
			name, ok := v.registryName(use.name)
			if !ok || b.known[name.String()] != nil {
				continue
			}
			l := &lookup{name: name}
			b.known[name.String()] = l
			work.Go(func() error {
				l.descriptor, l.platforms, l.err = b.images.Resolve(ctx, l.name)
				return nil
			})
		}
	}
	_ = work.Wait() // each keeps its own error
	return ctx.Err()
}

// registryName is the image in a registry that a name stands for; a named context
// may say another, or a directory.
func (v *view) registryName(name string) (reference.Named, bool) {
	if place, ok := v.NamedContexts[name]; ok {
		if name, ok = strings.CutPrefix(place, "docker-image://"); !ok {
			return nil, false
		}
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil, false
	}
	return reference.TagNameOnly(named), true
}

// answer says whether the image of a use has the platform that it is used for.
func (b *bases) answer(v *view, use imageUse) (*lookup, Answer) {
	name, ok := v.registryName(use.name)
	if !ok {
		return nil, Unused
	}
	l := b.known[name.String()]
	if l == nil || l.err != nil {
		return l, Unknown
	}
	if slices.ContainsFunc(l.platforms, func(p ocispec.Platform) bool { return serves(p, use.platform) }) {
		return l, Has
	}
	return l, Lacks
}

// serves says whether a builder takes an image for p where wanted is asked for:
// an older variant of the same architecture does.
func serves(p, wanted ocispec.Platform) bool {
	p.OSVersion, wanted.OSVersion = "", ""
	return p.Architecture == wanted.Architecture && platforms.Only(wanted).Match(p)
}

// table is which image has which platform.
func (b *bases) table(views []*view) []Base {
	table := []Base{}
	for _, v := range views {
		for _, use := range v.images {
			if _, ok := v.registryName(use.name); !ok {
				continue
			}
			row := Base{Stage: use.stage.title(), Image: use.name, Line: use.line, Has: map[string]Answer{}}
			i := slices.IndexFunc(table, func(r Base) bool { return r.Stage == row.Stage && r.Image == row.Image && r.Line == row.Line })
			if i < 0 {
				for _, other := range views {
					row.Has[platforms.Format(other.Platform)] = Unused
				}
				i, table = len(table), append(table, row)
			}
			_, table[i].Has[platforms.Format(v.Platform)] = b.answer(v, use)
		}
	}
	return table
}

// title names a stage as a user would: by its name or its number.
func (s *stage) title() string {
	if s.Name != "" {
		return s.Name
	}
	return strconv.Itoa(s.index)
}

// failed returns why images could not be looked up.
func (b *bases) failed() []error {
	var all []error
	for _, l := range b.known {
		if l.err != nil {
			all = append(all, fmt.Errorf("looking up %s: %w", reference.FamiliarString(l.name), l.err))
		}
	}
	slices.SortFunc(all, func(x, y error) int { return strings.Compare(x.Error(), y.Error()) })
	return all
}
