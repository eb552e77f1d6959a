package builder

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/check"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/dockerfile"
)

// warnDockerfile says what of the Dockerfile is for one platform only, before the
// build finds out. It asks nobody and stops nothing: what goes wrong here goes
// wrong in the build too, with a better explanation.
func (s *session) warnDockerfile(ctx context.Context) {
	root, err := os.OpenRoot(s.input.options.dir)
	if err != nil {
		return
	}
	defer root.Close()
	sent := dockerfile.NewFS(root, s.snapshot)
	var inputs []check.Input
	for _, p := range s.plan.Platforms() {
		r := s.requests[platformKey(p)]
		inputs = append(inputs, check.Input{
			Platform: p, Name: r.Dockerfile.Name, Dockerfile: r.Dockerfile.Content, Args: r.BuildArgs, Target: r.Target, Context: sent,
		})
	}
	report, err := check.Check(ctx, inputs, check.Options{})
	if err != nil {
		return
	}
	for i, f := range report.Findings {
		if i == argument.Shown {
			s.warn(fmt.Sprintf("the Dockerfile has %d more of these; see them all: docker multiarch check", len(report.Findings)-i))
			return
		}
		s.warn(fmt.Sprintf("%s:%d: %s (%s)", f.File, f.Line, f.Why, f.Rule))
	}
}

// warnIgnored says what engines make no use of.
func (s *session) warnIgnored() {
	for _, a := range s.plan {
		if err := a.Ignored(s.requests[platformKey(a.Platform)]); err != nil {
			s.warn(err.Error())
		}
	}
}

// warnCaches names the directories that are to have a cache and have none. A
// build is only slower without: so it is on the first run of a CI job.
func (s *session) warnCaches() {
	missing := map[string]bool{}
	for _, r := range s.requests {
		for _, cache := range r.CacheFrom {
			if dir := cache.Attrs["src"]; cache.Type == "local" && dir != "" {
				if _, err := os.Stat(filepath.Join(dir, ocispec.ImageIndexFile)); err != nil {
					missing[dir] = true
				}
			}
		}
	}
	if len(missing) > 0 {
		s.warn("no cache is in " + argument.Shorten(slices.Sorted(maps.Keys(missing))))
	}
	if shared := sharedCaches(s.requests); len(shared) > 0 {
		s.warn("several platforms write the same cache, and the last one stays: " + argument.Shorten(shared) + ". Give each its own: --cache-to PLATFORM:" + shared[0] + "-…")
	}
}

// sharedCaches are the caches that more than one request writes. Each platform
// is a build of its own, and BuildKit puts a new cache in the place of the old.
func sharedCaches(requests map[string]build.Request) []string {
	written := map[string]int{}
	for _, r := range requests {
		for _, cache := range r.CacheTo {
			// An inline cache is in the image; others are where these say.
			for _, key := range []string{"ref", "dest", "scope", "name"} {
				if at := cache.Attrs[key]; at != "" {
					written[fmt.Sprintf("type=%s,%s=%s", cache.Type, key, at)]++
					break
				}
			}
		}
	}
	maps.DeleteFunc(written, func(_ string, n int) bool { return n < 2 })
	return slices.Sorted(maps.Keys(written))
}
