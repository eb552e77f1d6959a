package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/config/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/history"
	"github.com/docker-multiarch/docker-multiarch/manifest"
)

// cleanupTimeout bounds what is done after a build that was interrupted.
const cleanupTimeout = 4 * time.Second

// buildSession is one run of the build command, step by step.
type buildSession struct {
	cli         command.Cli
	input       *buildInput
	registry    *manifest.Registry
	credentials credentials
	history     *history.History // nil when there is none

	nodes    contexts.Nodes
	spares   contexts.Nodes
	snapshot *source.Snapshot
	// sharedKey is how engines know the build context from one run to the next.
	sharedKey string

	plan     build.Plan
	requests map[string]build.Request // by platform
	bases    []string                 // hosts of the base images
	results  []build.Result

	// directories are those of named contexts, by path.
	directories map[string]*source.Snapshot

	mu       sync.Mutex
	children map[string]manifest.Child // by reference of the per-platform tag
	index    manifest.Index
}

// prepare does everything that comes before the first byte is sent to a node:
// the engines are probed, the build context is read and the targets are looked
// up, all at once; then the plan is made.
func (s *buildSession) prepare(ctx context.Context, cmd *cobra.Command) error {
	var published []ocispec.Platform
	work, workCtx := errgroup.WithContext(ctx)
	work.Go(func() (err error) {
		s.nodes, err = s.buildNodes(workCtx, cmd)
		return err
	})
	work.Go(func() error { return s.readContext(workCtx) })
	if s.input.options.push {
		work.Go(func() (err error) {
			published, err = s.published(workCtx)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	var err error
	s.plan, err = build.NewPlan(s.nodes, build.Wanted{
		Platforms: s.input.platforms, OS: currentOS(s.nodes),
		Pins: s.input.pins, AllowMissing: s.input.missing,
		Targets: s.input.targets, PlatformTag: s.input.platformTag,
		Push: s.input.options.push, Published: published,
	})
	if err != nil {
		return err
	}
	if err := s.makeRequests(); err != nil {
		return err
	}
	if err := s.checkSecrets(); err != nil {
		return err
	}
	return s.checkExposed(ctx)
}

// readContext walks the build context, and makes the key by which engines know
// it. Where times can't be trusted to show changes the content is in the key.
func (s *buildSession) readContext(ctx context.Context) (err error) {
	dir := s.input.options.dir
	if s.snapshot, err = source.Read(ctx, dir, s.input.dockerfiles.exclude()); err != nil {
		return err
	}
	s.sharedKey = projectKey(dir)
	if !s.snapshot.Normalised() {
		return nil
	}
	content, err := s.snapshot.ContentKey(ctx)
	s.sharedKey += "-" + content.Encoded()
	return err
}

// published returns the platforms that the targets have now. That it can be
// read also proves address, certificate and login before the build.
func (s *buildSession) published(ctx context.Context) ([]ocispec.Platform, error) {
	var all []ocispec.Platform
	for _, target := range s.input.targets {
		_, found, err := s.registry.Resolve(ctx, target)
		switch {
		case errors.Is(err, manifest.ErrNotFound):
		case err != nil:
			return nil, err
		default:
			all = append(all, found...)
		}
	}
	return all, nil
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

// checkExposed refuses to send a login over plain tcp to another host.
func (s *buildSession) checkExposed(ctx context.Context) error {
	for _, a := range s.plan {
		if !a.Node.Exposed() || a.Node.Insecure {
			continue
		}
		hosts := slices.Clone(s.bases)
		for _, name := range a.Pushes {
			hosts = append(hosts, reference.Domain(name))
		}
		for _, host := range hosts {
			login, err := s.credentials.lookup(ctx, host)
			if err != nil {
				return err
			}
			if login != (types.AuthConfig{}) {
				return usage(fmt.Errorf("node %s is reached over plain tcp (%s), which the login for %s must not cross", a.Node.Name, a.Node.Host, host))
			}
		}
	}
	return nil
}

// execute carries out the plan and publishes the result, with all progress in
// one display.
func (s *buildSession) execute(ctx context.Context) error {
	display, err := progress.New(progressStream(s.cli), s.input.progress) //nolint:contextcheck // it ends with its events, not with ctx
	if err != nil {
		return usage(err)
	}
	defer display.Wait()
	s.children = map[string]manifest.Child{}
	runner := &build.Runner{
		Display: display, Credentials: s.credentials.lookup, Bases: s.bases, Verify: s.verify,
		Spare: s.spare, KeepGoing: s.input.options.keepGoing,
	}
	s.results, err = runner.Run(ctx, s.requestFor, s.plan)
	noteBuild(s.history, projectKey(s.input.options.dir), s.results)
	if err != nil {
		return s.diagnose(ctx, err)
	}
	for _, dir := range s.sources() {
		if err := dir.Verify(); err != nil {
			return err
		}
	}
	if !s.input.options.push {
		return nil
	}
	return s.publish(ctx, display.Writer("manifest list"))
}

// progressStream is standard error as the display needs it: the file itself, if
// it is a terminal.
func progressStream(dockerCLI command.Cli) io.Writer {
	if file, ok := dockerCLI.Err().File(); ok && dockerCLI.Err().IsTerminal() {
		return file
	}
	return dockerCLI.Err()
}

// diagnose looks up a base image that an engine could not get: engines report
// only words, while the registry's answer to this machine tells a missing login
// from a missing image.
func (s *buildSession) diagnose(ctx context.Context, err error) error {
	base, ok := errors.AsType[*build.BaseImageError](err)
	if !ok {
		return err
	}
	named, parseErr := reference.ParseNormalizedNamed(base.Reference)
	if parseErr != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cleanupTimeout)
	defer cancel()
	_, _, why := s.registry.Resolve(ctx, named)
	if errors.Is(why, manifest.ErrUnauthorized) || errors.Is(why, manifest.ErrDenied) {
		return errors.Join(err, why)
	}
	return err
}

// sources are all directories that nodes read from.
func (s *buildSession) sources() []*source.Snapshot {
	return append(slices.Collect(maps.Values(s.directories)), s.snapshot)
}

// spare asks the nodes that the plan could do without. Nodes pinned to one
// platform are not among them.
func (s *buildSession) spare(ctx context.Context) contexts.Nodes {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spares == nil {
		s.spares = s.nodes.Spare()
		// Without an answer there is no spare node.
		_ = s.spares.Probe(ctx, nil)
	}
	return s.spares
}

// makeRequests makes the request of every assignment, and finds what an engine of
// the plan can't do. It returns the hosts of all base images too.
func (s *buildSession) makeRequests() error {
	if err := s.input.options.checkPlatformValues(s.plan.Platforms()); err != nil {
		return err
	}
	s.requests = map[string]build.Request{}
	var bases []reference.Named
	var unsupported []error
	for _, a := range s.plan {
		request, err := s.request(a)
		if err != nil {
			return err
		}
		more, err := build.Bases(request.Dockerfile.Content, request.BuildArgs, request.Target, a.Platform)
		if err != nil {
			return err
		}
		bases = append(bases, more...)
		unsupported = append(unsupported, a.Check(request))
		s.requests[platformKey(a.Platform)] = request
	}
	s.bases = build.Hosts(bases)
	return errors.Join(unsupported...)
}

// requestFor returns the request of an assignment. For a node that takes over it
// is made anew: proxies are set by node.
func (s *buildSession) requestFor(a build.Assignment) build.Request {
	planned := func(b build.Assignment) bool { return b.Node == a.Node && build.SamePlatform(a.Platform, b.Platform) }
	if !slices.ContainsFunc(s.plan, planned) {
		if request, err := s.request(a); err == nil {
			return request
		}
	}
	return s.requests[platformKey(a.Platform)]
}

// platformKey names a platform in a map.
func platformKey(p ocispec.Platform) string { return platforms.FormatAll(p) }

// projectKey names a directory. It is a hash because a header of BuildKit's
// session carries it.
func projectKey(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	sum := sha256.Sum256([]byte(dir))
	return "docker-multiarch-" + hex.EncodeToString(sum[:])
}

// verify reads a pushed image back from the registry and checks that it is the
// one that was built, and of the right platform.
func (s *buildSession) verify(ctx context.Context, a build.Assignment, image build.Image, pushed build.Pushed) error {
	child, err := s.registry.AwaitChild(ctx, pushed.Reference, pushed.Digest)
	if err != nil {
		return err
	}
	if child.ConfigDigest != image.ID && child.Descriptor.Digest != image.ID && pushed.Digest != image.ID {
		return fmt.Errorf("%w: built %s, the registry has %s", build.ErrOtherImage, image.ID, child.ConfigDigest)
	}
	if !build.SamePlatform(*child.Descriptor.Platform, a.Platform) {
		return fmt.Errorf("%w: the image says it is %s", manifest.ErrPlatform, platforms.Format(*child.Descriptor.Platform))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.children[pushed.Reference.String()] = child
	return nil
}

// removeImages leaves nothing of the build on the nodes, whether it worked or
// not.
func (s *buildSession) removeImages(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	return build.RemoveImages(ctx, s.results)
}

func (s *buildSession) close() {
	_ = s.nodes.Close()
	if s.history != nil {
		_ = s.history.Close()
	}
	if s.snapshot != nil {
		_ = s.snapshot.Close()
	}
	for _, dir := range s.directories {
		_ = dir.Close()
	}
}
