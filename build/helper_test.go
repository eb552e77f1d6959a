package build

import (
	"fmt"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/goleak"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// on is a usable node of a platform such as "linux/arm/v7".
func on(name, platform string) *contexts.Node {
	return &contexts.Node{Name: name, Engine: contexts.Engine{ID: name, Platform: parse(platform)}}
}

// down is a node that can't be used.
func down(name string, err error) *contexts.Node { return &contexts.Node{Name: name, Err: err} }

func parse(s string) ocispec.Platform { return platforms.Normalize(platforms.MustParse(s)) }

func parseAll(s string) []ocispec.Platform {
	var all []ocispec.Platform
	for _, p := range strings.Fields(s) {
		all = append(all, parse(p))
	}
	return all
}

// tags makes references of "app:1 example.com/app:2".
func tags(s string) []reference.NamedTagged {
	var all []reference.NamedTagged
	for _, tag := range strings.Fields(s) {
		all = append(all, mustTag(tag))
	}
	return all
}

// newTemplate is a tag template; "" is the default one.
func newTemplate(t *testing.T, text string) TagTemplate {
	t.Helper()
	if text == "" {
		text = DefaultPlatformTag
	}
	tt, err := NewTagTemplate(text)
	assert.NilError(t, err)
	return tt
}

// render makes one line of each assignment of a plan.
func render(plan Plan) string {
	var b strings.Builder
	for _, a := range plan {
		fmt.Fprintf(&b, "%s on %s (%s)", platforms.FormatAll(a.Platform), a.Node.Name, a.Match)
		for _, part := range []struct {
			word  string
			names []reference.Named
		}{{"targets", untyped(a.Targets)}, {"tags", untyped(a.PlatformTags)}, {"pushes", a.Pushes}} {
			if len(part.names) > 0 {
				fmt.Fprintf(&b, " %s", part.word)
			}
			for _, name := range part.names {
				fmt.Fprintf(&b, " %s", reference.FamiliarString(name))
			}
		}
		if a.Optional {
			b.WriteString(" optional")
		}
		if len(a.Able) > 1 {
			b.WriteString(" then")
			for _, n := range a.Able[1:] {
				fmt.Fprintf(&b, " %s", n.Name)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// names makes references of such words, with tags or without.
func names(s string) []reference.Named {
	var all []reference.Named
	for _, text := range strings.Fields(s) {
		name, err := reference.ParseNormalizedNamed(text)
		if err != nil {
			panic(err)
		}
		all = append(all, name)
	}
	return all
}

func untyped(names []reference.NamedTagged) []reference.Named {
	all := make([]reference.Named, len(names))
	for i, name := range names {
		all[i] = name
	}
	return all
}

// always is one request for every platform.
func always(req Request) Requests { return func(Assignment) Request { return req } }
