package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/cli/cli/command"
	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// execute carries out the plan and publishes the result, with all progress in
// one display.
func (s *session) execute(ctx context.Context) (err error) {
	display, err := progress.New(progressStream(s.cli), s.progressOptions())
	if err != nil {
		return argument.Wrong(err)
	}
	defer func() { err = errors.Join(err, display.Wait()) }()
	var list *progress.Writer
	if s.input.options.publishes() {
		list = display.Writer("manifest list", "")
	}
	s.children = map[string]manifest.Child{}
	runner := &build.Runner{
		Display: display, Credentials: s.credentials.Lookup, Tokens: s.tokens, Verify: s.verify, Resolve: s.resolve,
		Spare: s.spare, Wake: s.wake, KeepGoing: s.input.options.keepGoing,
	}
	if s.input.options.publishes() {
		runner.Relay = s.relay
	}
	if s.input.options.verify != argument.VerifyOff {
		runner.Fits = s.fits
	}
	if err := runner.CheckRegistries(ctx, s.plan); err != nil {
		return err
	}
	requestFor := func(a build.Assignment) build.Request { return s.requestFor(ctx, a) }
	s.results, err = runner.Run(ctx, requestFor, s.plan)
	noteBuild(s.history, projectKey(s.input.options.dir), s.results)
	if err != nil {
		return s.diagnose(ctx, err)
	}
	for _, dir := range s.sources() {
		if err := dir.Verify(); err != nil {
			return err
		}
	}
	if list == nil {
		return nil
	}
	if s.input.options.push {
		err = s.publish(ctx, list)
	} else {
		err = s.export(ctx, list)
	}
	list.Done(err)
	return err
}

// spare asks the nodes that the plan could do without. Nodes pinned to one
// platform are not among them.
func (s *session) spare(ctx context.Context) contexts.Nodes {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.spares == nil {
		s.spares = s.nodes.Spare()
		// Without an answer there is no spare node.
		_ = s.spares.Probe(ctx, nil)
		// Nodes that sleep are left as well; one is started when it is taken.
		findSleeping(s.spares, s.config, s.input)
		s.spares = append(s.spares, sleeping(s.nodes)...)
	}
	return s.spares
}

// verify reads a pushed image back from the registry and checks that it is the
// one that was built, and of the right platform.
func (s *session) verify(ctx context.Context, a build.Assignment, image build.Image, pushed build.Pushed) error {
	child, err := s.registry.AwaitChild(ctx, pushed.Reference, pushed.Digest)
	if err != nil {
		return err
	}
	if child.ConfigDigest != image.ID && child.Descriptor.Digest != image.ID && pushed.Digest != image.ID {
		return fmt.Errorf("%w: built %s, the registry has %s", build.ErrOtherImage, image.ID, child.ConfigDigest)
	}
	if !platform.Same(*child.Descriptor.Platform, a.Platform) {
		return fmt.Errorf("%w: the image says it is %s", manifest.ErrPlatform, platforms.FormatAll(*child.Descriptor.Platform))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.children[childKey(pushed)] = child
	return nil
}

// resolve tells what a tag has now.
func (s *session) resolve(ctx context.Context, name reference.Named) (digest.Digest, error) {
	desc, _, err := s.registry.Resolve(ctx, name)
	return desc.Digest, err
}

// childKey says where a pushed image is. Not all have a tag.
func childKey(pushed build.Pushed) string {
	return pushed.Reference.Name() + "@" + pushed.Digest.String()
}

// tokens gets a node its token. A registry that this machine can't reach or does
// not trust may be the node's own affair: there the node logs in itself.
func (s *session) tokens(ctx context.Context, access []build.Access) (string, time.Duration, error) {
	host := reference.Domain(access[0].Repository)
	if _, known := s.tokenless.Load(host); known {
		return "", 0, build.ErrNoToken
	}
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	var pull, push []reference.Named
	for _, a := range access {
		if a.Push {
			push = append(push, a.Repository)
		} else {
			pull = append(pull, a.Repository)
		}
	}
	token, err := s.registry.Token(ctx, pull, push)
	for _, none := range []error{manifest.ErrNoToken, manifest.ErrUnavailable, manifest.ErrCertificate, context.DeadlineExceeded} {
		if errors.Is(err, none) {
			s.tokenless.Store(host, true)
			return "", 0, build.ErrNoToken
		}
	}
	return token.Value, token.Life, err
}

// sources are all directories that nodes read from.
func (s *session) sources() []*source.Snapshot {
	return append(slices.Collect(maps.Values(s.directories)), s.snapshot)
}

// diagnose looks up a base image that an engine could not get: engines report
// only words, while the registry's answer to this machine tells a missing login
// from a missing image.
func (s *session) diagnose(ctx context.Context, err error) error {
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

// progressOptions are how the build is shown. NO_COLOR is the variable by which
// docker build shows no colours.
func (s *session) progressOptions() progress.Options {
	return progress.Options{
		Mode: s.input.progress, LogDir: s.input.options.logDir, Monochrome: os.Getenv("NO_COLOR") != "",
	}
}

// progressStream is standard error as the display needs it: the file itself, if
// it is a terminal.
func progressStream(dockerCLI command.Cli) io.Writer {
	if file, ok := dockerCLI.Err().File(); ok && dockerCLI.Err().IsTerminal() {
		return file
	}
	return dockerCLI.Err()
}

// removeImages leaves nothing of the build on the nodes, whether it worked or not.
// After an interrupt it has little time.
func (s *session) removeImages(ctx context.Context) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
	}
	return build.RemoveImages(ctx, s.results)
}
