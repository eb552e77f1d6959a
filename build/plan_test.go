package build

import (
	"errors"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

var (
	amd    = on("amd", "linux/amd64")
	amd2   = on("amd2", "linux/amd64")
	i386   = on("i386", "linux/386")
	arm    = on("arm", "linux/arm64")
	win    = on("win", "windows(10.0.20348.2322)/amd64")
	oldWin = on("oldwin", "windows(10.0.17763.1)/amd64")
	dead   = down("dead", errors.New("connection refused"))
	twin   = down("twin", contexts.ErrSameEngine)
)

func TestNewPlan(t *testing.T) {
	t.Parallel()
	emulating := on("qemu", "linux/amd64")
	emulating.Emulates = parseAll("linux/arm64 linux/s390x")
	roomy := on("roomy", "linux/amd64")
	roomy.Parallel = 2
	for _, c := range []struct {
		name  string
		nodes contexts.Nodes
		want  Wanted
		tag   string // "none" for no platform tags
		plan  string
	}{
		{
			name: "one node, nothing asked for", nodes: contexts.Nodes{amd}, want: Wanted{OS: "linux"}, tag: "none",
			plan: "linux/amd64 on amd (native)",
		},
		{
			name: "the native platforms of the current system, in the order of an index", nodes: contexts.Nodes{arm, win, i386, amd}, want: Wanted{OS: "linux"}, tag: "none",
			plan: "linux/386 on i386 (native) then amd\nlinux/amd64 on amd (native)\nlinux/arm64 on arm (native)",
		},
		{
			name: "Windows when that is the current system", nodes: contexts.Nodes{win, amd, oldWin}, want: Wanted{OS: "windows"}, tag: "none",
			plan: "windows/amd64 on win (native) then oldwin",
		},
		{
			name: "the first of two equal nodes, the other if it is lost", nodes: contexts.Nodes{amd2, amd}, want: Wanted{OS: "linux"}, tag: "none",
			plan: "linux/amd64 on amd2 (native) then amd",
		},
		{
			name: "a node that is down is no reason not to build", nodes: contexts.Nodes{dead, amd, twin}, want: Wanted{OS: "linux"}, tag: "none",
			plan: "linux/amd64 on amd (native)",
		},
		{
			name: "what is asked for and no more", nodes: contexts.Nodes{amd, arm, i386}, want: Wanted{OS: "linux", Platforms: parseAll("linux/arm64")}, tag: "none",
			plan: "linux/arm64 on arm (native)",
		},
		{
			name: "the order of --platform does not matter", nodes: contexts.Nodes{amd, arm}, want: Wanted{Platforms: parseAll("linux/arm64 linux/amd64")}, tag: "none",
			plan: "linux/amd64 on amd (native)\nlinux/arm64 on arm (native)",
		},
		{
			name: "a native node goes before a compatible one that comes first", nodes: contexts.Nodes{amd, i386}, want: Wanted{Platforms: parseAll("linux/386")}, tag: "none",
			plan: "linux/386 on i386 (native) then amd",
		},
		{
			name: "an emulated one comes last", nodes: contexts.Nodes{emulating, arm}, want: Wanted{Platforms: parseAll("linux/arm64 linux/s390x")}, tag: "none",
			plan: "linux/arm64 on arm (native) then qemu\nlinux/s390x on qemu (emulated)",
		},
		{
			name: "names of the default template", nodes: contexts.Nodes{amd, arm}, want: Wanted{OS: "linux", Targets: tags("app:1")},
			plan: "linux/amd64 on amd (native) targets app:1 tags app:1-linux-amd64\nlinux/arm64 on arm (native) targets app:1 tags app:1-linux-arm64",
		},
		{
			name: "one push for each repository", nodes: contexts.Nodes{amd}, want: Wanted{OS: "linux", Push: true, Targets: tags("app:1 app:latest example.com/app:1")},
			plan: "linux/amd64 on amd (native) targets app:1 app:latest example.com/app:1 " +
				"tags app:1-linux-amd64 app:latest-linux-amd64 example.com/app:1-linux-amd64 pushes app:1-linux-amd64 example.com/app:1-linux-amd64",
		},
		{
			name: "two platforms on one node: the native one has the targets' names", nodes: contexts.Nodes{amd}, want: Wanted{Platforms: parseAll("linux/386 linux/amd64"), Targets: tags("app:1")},
			plan: "linux/386 on amd (compatible) tags app:1-linux-386\nlinux/amd64 on amd (native) targets app:1 tags app:1-linux-amd64",
		},
		{
			name: "two platforms that match alike on one node: the first has them", nodes: contexts.Nodes{emulating}, want: Wanted{Platforms: parseAll("linux/s390x linux/arm64"), Targets: tags("app:1")},
			plan: "linux/arm64 on qemu (emulated) targets app:1 tags app:1-linux-arm64\nlinux/s390x on qemu (emulated) tags app:1-linux-s390x",
		},
		{
			name: "no platform tags", nodes: contexts.Nodes{amd}, want: Wanted{OS: "linux", Targets: tags("app:1")}, tag: "none",
			plan: "linux/amd64 on amd (native) targets app:1",
		},
		{
			name: "two builds of Windows by name", nodes: contexts.Nodes{win, oldWin}, tag: "",
			want: Wanted{Platforms: parseAll("windows(10.0.17763.1)/amd64 windows(10.0.20348.2322)/amd64"), Targets: tags("app:1")},
			plan: "windows(10.0.20348.2322)/amd64 on win (native) targets app:1 tags app:1-windows-10.0.20348.2322-amd64\n" +
				"windows(10.0.17763.1)/amd64 on oldwin (native) targets app:1 tags app:1-windows-10.0.17763.1-amd64",
		},
		{
			name: "a platform that may be missing and has no node is left out", nodes: contexts.Nodes{amd}, tag: "none",
			want: Wanted{Platforms: parseAll("linux/amd64 linux/arm64"), AllowMissing: parseAll("linux/arm64")},
			plan: "linux/amd64 on amd (native)",
		},
		{
			name: "a platform that may be missing and has one is built", nodes: contexts.Nodes{amd, arm}, tag: "none",
			want: Wanted{Platforms: parseAll("linux/amd64 linux/arm64"), AllowMissing: parseAll("linux/arm64")},
			plan: "linux/amd64 on amd (native)\nlinux/arm64 on arm (native) optional",
		},
		{
			name: "a pinned node builds its platform alone", nodes: contexts.Nodes{amd, amd2, i386}, tag: "none",
			want: Wanted{Platforms: parseAll("linux/amd64 linux/386"), Pins: []Pin{{parse("linux/386"), "amd"}}},
			plan: "linux/386 on amd (compatible)\nlinux/amd64 on amd2 (native)",
		},
		{
			name: "a node with two pins builds both", nodes: contexts.Nodes{amd, amd2}, tag: "none",
			want: Wanted{Platforms: parseAll("linux/amd64 linux/386"), Pins: []Pin{{parse("linux/386"), "amd2"}, {parse("linux/amd64"), "amd2"}}},
			plan: "linux/386 on amd2 (compatible)\nlinux/amd64 on amd2 (native)",
		},
		{
			name: "platforms spread over equal nodes", nodes: contexts.Nodes{amd, amd2}, tag: "none",
			want: Wanted{Platforms: parseAll("linux/amd64/v2 linux/386 linux/amd64/v3")},
			plan: "linux/386 on amd2 (compatible) then amd\nlinux/amd64/v2 on amd (compatible) then amd2\nlinux/amd64/v3 on amd (compatible) then amd2",
		},
		{
			name: "a node that builds two at once takes two", nodes: contexts.Nodes{roomy, amd2}, tag: "none",
			want: Wanted{Platforms: parseAll("linux/386 linux/amd64/v2 linux/amd64/v3")},
			plan: "linux/386 on roomy (compatible) then amd2\nlinux/amd64/v2 on roomy (compatible) then amd2\nlinux/amd64/v3 on amd2 (compatible) then roomy",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.tag != "none" {
				c.want.PlatformTag = newTemplate(t, c.tag)
			}
			plan, err := NewPlan(c.nodes, c.want)
			assert.NilError(t, err)
			assert.Equal(t, render(plan), c.plan+"\n")
			for i, p := range plan.Platforms() {
				assert.Equal(t, platforms.FormatAll(p), platforms.FormatAll(plan[i].Platform))
			}
		})
	}
}

func TestNoNodeIsAnErrorThatNamesEveryNodeAndWhyNot(t *testing.T) {
	t.Parallel()
	_, err := NewPlan(contexts.Nodes{amd, dead, arm, twin, win}, Wanted{Platforms: parseAll("linux/riscv64 linux/amd64 linux/s390x")})
	nodes := "\n  amd: is linux/amd64\n  dead: connection refused\n  arm: is linux/arm64\n  twin: same engine\n  win: is windows(10.0.20348.2322)/amd64"
	assert.Error(t, err, "no node for linux/riscv64"+nodes+"\nno node for linux/s390x"+nodes)
	var noNode *NoNodeError
	assert.Assert(t, errors.As(err, &noNode))
	assert.Equal(t, platforms.Format(noNode.Platform), "linux/riscv64")
}

func TestNoNodeAtAll(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		nodes contexts.Nodes
		want  Wanted
		text  string
	}{
		{"none", nil, Wanted{OS: "linux"}, "no usable node"},
		{"none that answers", contexts.Nodes{dead}, Wanted{OS: "linux"}, "no usable node\n  dead: connection refused"},
		{"none of that system", contexts.Nodes{win}, Wanted{OS: "linux"}, "no usable node\n  win: is windows(10.0.20348.2322)/amd64"},
		{"none that answers, to publish", contexts.Nodes{}, Wanted{OS: "linux", Push: true, Targets: tags("a:1")}, "no usable node"},
		{"all that were asked for may be missing", contexts.Nodes{amd}, Wanted{Platforms: parseAll("linux/arm64"), AllowMissing: parseAll("linux/arm64")}, "amd: is linux/amd64"},
		{"a pin to a node that can't", contexts.Nodes{amd, arm}, Wanted{Platforms: parseAll("linux/arm64"), Pins: []Pin{{parse("linux/arm64"), "amd"}}}, "no node for linux/arm64"},
		{"a pin to a node that is down", contexts.Nodes{dead, amd}, Wanted{Platforms: parseAll("linux/amd64"), Pins: []Pin{{parse("linux/amd64"), "dead"}}}, "dead: connection refused"},
		{"emulation that nobody allowed", contexts.Nodes{amd}, Wanted{Platforms: parseAll("linux/arm64")}, "amd: is linux/amd64"},
		{"arm/v7 on arm64", contexts.Nodes{arm}, Wanted{Platforms: parseAll("linux/arm/v7")}, "no node for linux/arm/v7\n  arm: is linux/arm64"},
		{"another build of Windows", contexts.Nodes{win}, Wanted{Platforms: parseAll("windows(10.0.26100.1)/amd64")}, "win: is windows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			plan, err := NewPlan(c.nodes, c.want)
			var noNode *NoNodeError
			assert.Assert(t, errors.As(err, &noNode), "%v, plan %s", err, render(plan))
			assert.ErrorContains(t, err, c.text)
		})
	}
}

// TestAPinThatDoesNotFitIsNamedAsTheReason: the other node is there and able, so
// "is linux/arm64" would be no reason not to use it.
func TestAPinThatDoesNotFitIsNamedAsTheReason(t *testing.T) {
	t.Parallel()
	_, err := NewPlan(contexts.Nodes{amd, arm}, Wanted{Platforms: parseAll("linux/arm64"), Pins: []Pin{{parse("linux/arm64"), "amd"}}})
	assert.ErrorContains(t, err, "amd: is linux/amd64")
	assert.Assert(t, !strings.Contains(err.Error(), "arm: is linux/arm64"), "%v", err)
}

func TestAPublicationMayNotDropAPlatformUnsaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		nodes     contexts.Nodes
		want      Wanted
		text      string // "" for no error
		published string
	}{
		{name: "a node is silent", nodes: contexts.Nodes{amd, dead}, text: "node dead: connection refused"},
		{name: "a second way to an engine is not silence", nodes: contexts.Nodes{amd, twin}},
		{name: "the published image has a platform more", nodes: contexts.Nodes{amd}, published: "linux/amd64 linux/arm64", text: "linux/arm64 is in the published image and no node builds it now"},
		{name: "the published image has one less", nodes: contexts.Nodes{amd, arm}, published: "linux/amd64"},
		{name: "two targets lack the same", nodes: contexts.Nodes{amd}, published: "linux/arm64 linux/arm64", text: "linux/arm64 is in"},
		{name: "it may be missing", nodes: contexts.Nodes{amd}, published: "linux/amd64 linux/arm64", want: Wanted{AllowMissing: parseAll("linux/arm64")}},
		{name: "the user named the platforms", nodes: contexts.Nodes{amd, dead}, published: "linux/arm64", want: Wanted{Platforms: parseAll("linux/amd64")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := c.want
			want.OS, want.Targets, want.PlatformTag, want.Published = "linux", tags("app:1"), newTemplate(t, ""), parseAll(c.published)
			// Without --push nothing is taken from anybody.
			_, err := NewPlan(c.nodes, want)
			assert.NilError(t, err)

			want.Push = true
			_, err = NewPlan(c.nodes, want)
			if c.text == "" {
				assert.NilError(t, err)
				return
			}
			var dropped *DroppedError
			assert.Assert(t, errors.As(err, &dropped), "%v", err)
			assert.ErrorContains(t, err, c.text)
			assert.Equal(t, strings.Count(err.Error(), c.text), 1)
			assert.DeepEqual(t, dropped.Planned, parseAll("linux/amd64"))
		})
	}
}

func TestAPublishedWindowsImageIsNotDroppedByItsOwnPlatform(t *testing.T) {
	t.Parallel()
	_, err := NewPlan(contexts.Nodes{win}, Wanted{
		OS: "windows", Push: true, Targets: tags("app:1"), PlatformTag: newTemplate(t, ""), Published: parseAll("windows(10.0.20348.2322)/amd64"),
	})
	assert.NilError(t, err, "the same engine built and published it before")
}

func TestAPublishedBuildOfWindowsThatNoNodeHasWouldBeDropped(t *testing.T) {
	t.Parallel()
	_, err := NewPlan(contexts.Nodes{win}, Wanted{
		OS: "windows", Push: true, Targets: tags("app:1"), PlatformTag: newTemplate(t, ""),
		Published: parseAll("windows(10.0.20348.2322)/amd64 windows(10.0.17763.1)/amd64"),
	})
	var dropped *DroppedError
	assert.Assert(t, errors.As(err, &dropped), "%v", err)
	assert.DeepEqual(t, dropped.Missing, parseAll("windows(10.0.17763.1)/amd64"))
}

func TestTwoImagesMayNotHaveOneTag(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, targets, template, platforms, text string }{
		{"a template without platform", "app:1", "{{.Tag}}-x", "linux/amd64 linux/arm64", "app:1-x"},
		{"a template that is the target", "app:1", "{{.Tag}}", "linux/amd64", "the whole image and linux/amd64"},
		{"a template that is another target", "app:1 app:1-linux-amd64", "", "linux/amd64", "app:1-linux-amd64"},
		{"a template without variant", "app:1", "{{.OS}}-{{.Arch}}", "linux/arm/v6 linux/arm/v7", "app:linux-arm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			nodes := contexts.Nodes{amd, arm, on("v6", "linux/arm/v6"), on("v7", "linux/arm/v7")}
			_, err := NewPlan(nodes, Wanted{Platforms: parseAll(c.platforms), Targets: tags(c.targets), PlatformTag: newTemplate(t, c.template)})
			assert.ErrorIs(t, err, ErrTagCollision)
			assert.ErrorContains(t, err, c.text)
		})
	}
}

func TestOneTagInTwoRepositoriesIsNoCollision(t *testing.T) {
	t.Parallel()
	_, err := NewPlan(contexts.Nodes{amd}, Wanted{OS: "linux", Push: true, Targets: tags("app:1 example.com/app:1"), PlatformTag: newTemplate(t, "{{.Arch}}")})
	assert.NilError(t, err)
}

func TestOnePlatformTagIsEnoughForTwoTargets(t *testing.T) {
	t.Parallel()
	plan, err := NewPlan(contexts.Nodes{amd}, Wanted{OS: "linux", Push: true, Targets: tags("app:1 app:2"), PlatformTag: newTemplate(t, "{{.Arch}}")})
	assert.NilError(t, err)
	assert.Equal(t, render(plan), "linux/amd64 on amd (native) targets app:1 app:2 tags app:amd64 pushes app:amd64\n")
}

func TestAPushNeedsAPlatformTag(t *testing.T) {
	t.Parallel()
	want := Wanted{OS: "linux", Push: true, Targets: tags("app:1")}
	_, err := NewPlan(contexts.Nodes{amd}, want)
	assert.ErrorIs(t, err, ErrNeedsTag)
	assert.ErrorContains(t, err, "node amd, linux/amd64")
	want.Push = false
	_, err = NewPlan(contexts.Nodes{amd}, want)
	assert.NilError(t, err)
}

func TestARelayNeedsNoPlatformTag(t *testing.T) {
	t.Parallel()
	relayed := on("amd", "linux/amd64")
	relayed.Relay = true
	plan, err := NewPlan(contexts.Nodes{relayed}, Wanted{OS: "linux", Push: true, Targets: tags("app:1 app:2 reg.example.com/app:1")})
	assert.NilError(t, err)
	assert.Equal(t, render(plan), "linux/amd64 on amd (native) targets app:1 app:2 reg.example.com/app:1 pushes app reg.example.com/app\n")
}

func TestADuplicatePlatformIsRefusedOrBuiltOnce(t *testing.T) {
	t.Parallel()
	plan, err := NewPlan(contexts.Nodes{amd}, Wanted{Platforms: parseAll("linux/amd64 linux/amd64"), Targets: tags("app:1"), PlatformTag: newTemplate(t, "")})
	assert.Assert(t, err != nil || len(plan) == 1, "one platform is built twice: %s", render(plan))
}
