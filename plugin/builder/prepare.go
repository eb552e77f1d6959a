package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// prepare does everything that comes before the first byte is sent to a node:
// the engines are probed, the build context is read and the targets are looked
// up, all at once; then the plan is made.
func (s *session) prepare(ctx context.Context, cmd *cobra.Command) error {
	var published []ocispec.Platform
	work, workCtx := errgroup.WithContext(ctx)
	work.Go(func() (err error) {
		defer close(s.probed)
		s.nodes, err = s.buildNodes(workCtx, cmd)
		return err
	})
	work.Go(func() error { return s.readContext(workCtx) })
	if s.input.options.push {
		asking, cancel := context.WithTimeoutCause(workCtx, registryTimeout, errSilentRegistry)
		defer cancel()
		work.Go(func() (err error) {
			published, err = s.published(asking)
			return err
		})
		work.Go(func() error { return s.mayPush(asking) })
	}
	if err := work.Wait(); err != nil {
		return err
	}
	var err error
	if err = s.keepHere(); err != nil {
		return err
	}
	s.plan, err = build.NewPlan(s.nodes, build.Wanted{
		Platforms: s.input.platforms, OS: currentOS(s.nodes), Joins: s.input.dockerfiles.Named(),
		Pins: s.input.pins, AllowMissing: s.input.missing,
		Targets: s.input.targets, PlatformTag: s.input.platformTag,
		Push: s.input.options.push, Published: published,
	})
	if err != nil {
		return err
	}
	if err := checkLoopback(s.plan); err != nil {
		return err
	}
	if err := s.makeRequests(ctx); err != nil {
		return err
	}
	if o := s.input.options; o.iidFile != "" && !o.publishes() && (len(s.plan) != 1 || o.files) {
		return argument.Wrong(errors.New("--iidfile needs one image: one platform, or --push, whose digest names all"))
	}
	if err := s.checkSecrets(); err != nil {
		return err
	}
	return s.checkExposed(ctx)
}

// readContext walks the build context, and makes the key by which engines know
// it. Where times can't be trusted to show changes the content is in the key.
func (s *session) readContext(ctx context.Context) (err error) {
	dir := s.input.options.dir
	if s.snapshot, err = source.Read(ctx, dir, s.input.dockerfiles.Exclude()); err != nil {
		return err
	}
	content, err := s.snapshot.ContentKey(ctx)
	s.sharedKey = projectKey(dir) + content
	return err
}

// published returns the platforms that the targets have now, and notes their
// digests. That they can be read also proves address, certificate and login
// before the build.
func (s *session) published(ctx context.Context) ([]ocispec.Platform, error) {
	targets := s.input.targets
	digests, found := make([]digest.Digest, len(targets)), make([][]ocispec.Platform, len(targets))
	lookups, ctx := errgroup.WithContext(ctx)
	lookups.SetLimit(parallelLookups)
	for i, target := range targets {
		lookups.Go(func() (err error) {
			digests[i], found[i], err = s.input.guard.Resolve(ctx, s.registry, target)
			return err
		})
	}
	if err := lookups.Wait(); err != nil {
		return nil, err
	}
	s.before = map[string]digest.Digest{}
	for i, target := range targets {
		s.before[target.String()] = digests[i]
	}
	return slices.Concat(found...), nil
}

// currentOS is the operating system of the engine that docker itself would use:
// without --platform only nodes of that system build.
func currentOS(nodes contexts.Nodes) string {
	for _, n := range nodes {
		if n.Current && n.Usable() {
			return n.Engine.Platform.OS
		}
	}
	return "linux"
}

// makeRequests makes the request of every assignment, and finds what an engine of
// the plan can't do. It finds all registries that nodes read from too.
func (s *session) makeRequests(ctx context.Context) error {
	if err := s.input.options.checkPlatformValues(s.plan.Platforms()); err != nil {
		return err
	}
	s.requests = map[string]build.Request{}
	var unsupported []error
	for _, a := range s.plan {
		request, err := s.request(ctx, a)
		if err != nil {
			return err
		}
		access, err := request.Access(a.Platform)
		if err != nil {
			return err
		}
		for _, one := range access {
			s.hosts = append(s.hosts, reference.Domain(one.Repository))
		}
		if err := a.Check(request); err != nil && !slices.ContainsFunc(unsupported, func(e error) bool { return e.Error() == err.Error() }) {
			unsupported = append(unsupported, err)
		}
		if err := checkPaths(ctx, request, a.Platform); err != nil {
			return err
		}
		s.requests[platformKey(a.Platform)] = request
	}
	return errors.Join(unsupported...)
}

// checkPaths finds files that could not be on an engine of the platform's system.
func checkPaths(ctx context.Context, r build.Request, p ocispec.Platform) error {
	if p.OS != "windows" {
		return nil
	}
	errs := []error{r.Context.CheckWindows(ctx, r.Dockerfile.Exclude)}
	for _, name := range slices.Sorted(maps.Keys(r.NamedContexts)) {
		if dir := r.NamedContexts[name].Dir; dir != nil {
			if err := dir.CheckWindows(ctx, nil); err != nil {
				errs = append(errs, fmt.Errorf("--build-context %s: %w", name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// requestFor returns the request of an assignment. For a node that takes over it
// is made anew: proxies are set by node.
func (s *session) requestFor(ctx context.Context, a build.Assignment) build.Request {
	planned := func(b build.Assignment) bool { return b.Node == a.Node && platform.Same(a.Platform, b.Platform) }
	if !slices.ContainsFunc(s.plan, planned) {
		if request, err := s.request(ctx, a); err == nil {
			return request
		}
	}
	return s.requests[platformKey(a.Platform)]
}

// checkExposed refuses to send a login over plain tcp to another host.
func (s *session) checkExposed(ctx context.Context) error {
	for _, a := range s.plan {
		if !a.Node.Exposed() || a.Node.Insecure {
			continue
		}
		hosts := slices.Clone(s.hosts)
		for _, name := range a.Pushes {
			if !a.Node.Relay {
				hosts = append(hosts, reference.Domain(name))
			}
		}
		for _, host := range hosts {
			login, err := s.credentials.Lookup(ctx, host)
			if err != nil {
				return err
			}
			if login.Known() {
				return argument.Wrong(fmt.Errorf("node %s is reached over plain tcp (%s), which the login for %s must not cross", a.Node.Name, a.Node.Host, host))
			}
		}
	}
	return nil
}

// projectKey names a directory. It is a hash because a header of BuildKit's
// session carries it.
func projectKey(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	sum := sha256.Sum256([]byte(dir))
	return "docker-multiarch-" + hex.EncodeToString(sum[:])
}

// platformKey names a platform in a map.
func platformKey(p ocispec.Platform) string { return platforms.FormatAll(p) }
