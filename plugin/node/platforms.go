package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// also returns the platforms beside its own that the node builds without and
// with an emulator.
func also(n *contexts.Node, emulates []ocispec.Platform) (compatible, emulated []string) {
	usual := []ocispec.Platform{
		{OS: "linux", Architecture: "386"},
		{OS: "linux", Architecture: "arm", Variant: "v7"},
		{OS: "linux", Architecture: "arm", Variant: "v6"},
		{OS: "linux", Architecture: "arm", Variant: "v5"},
	}
	probed := *n
	probed.Err = nil // also of one that is not used
	add := func(list *[]string, p ocispec.Platform) {
		name := oneLine(platforms.FormatAll(platforms.Normalize(p)))
		if !slices.Contains(compatible, name) && !slices.Contains(emulated, name) {
			*list = append(*list, name)
		}
	}
	for _, p := range slices.Concat(n.Declares, usual) {
		if probed.Match(p) == contexts.Compatible {
			add(&compatible, p)
		}
	}
	for _, p := range emulates {
		if probed.Match(p) == contexts.NoMatch {
			add(&emulated, p)
		}
	}
	return compatible, emulated
}

// askEmulators asks BuildKit of every usable node what it has emulators for. A
// node that doesn't say has none.
func askEmulators(ctx context.Context, nodes contexts.Nodes) map[*contexts.Node][]ocispec.Platform {
	const patience = 3 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var asking sync.WaitGroup
	var mu sync.Mutex
	all := map[*contexts.Node][]ocispec.Platform{}
	for _, n := range nodes {
		if !n.Usable() || n.Engine.Builder != contexts.BuildKit {
			continue
		}
		asking.Go(func() {
			if offered, err := build.Emulates(ctx, n); err == nil {
				mu.Lock()
				defer mu.Unlock()
				all[n] = offered
			}
		})
	}
	asking.Wait()
	return all
}
