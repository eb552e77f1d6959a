package plugin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/check/binary"
	"github.com/docker-multiarch/docker-multiarch/platform"
)

// buildInput is what the flags of build mean, checked without talking to any
// engine or registry.
type buildInput struct {
	options     *buildOptions
	targets     []reference.NamedTagged
	platforms   []ocispec.Platform
	nodes       []string
	pins        []build.Pin
	missing     []ocispec.Platform
	emulate     []ocispec.Platform
	emulateAll  bool
	platformTag build.TagTemplate
	dockerfiles *dockerfiles
	progress    progress.Mode
	guard       guard
	allowed     binary.Allowed
}

// read checks the flags. Its errors are usage errors, but for a Dockerfile that
// is there and can't be read or parsed.
func (o *buildOptions) read(stdin io.Reader) (*buildInput, error) {
	in := &buildInput{options: o}
	for _, step := range []func() error{o.readOutput, o.readCall, in.readTargets, in.readPlatforms, in.readNodes, in.readTemplate, in.readProgress, in.readVerify, in.readDir} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	in.dockerfiles = &dockerfiles{dir: o.dir, inside: o.fetched, values: &o.file, stdin: stdin, read: map[string]*source.Dockerfile{}}
	return in, in.dockerfiles.readKnown(in.platforms)
}

func (in *buildInput) readVerify() (err error) {
	in.allowed, err = readVerify(in.options.verify, in.options.allowForeign)
	return err
}

func (in *buildInput) readTargets() (err error) {
	if in.guard, err = newGuard(in.options.ifUnchanged); err != nil {
		return err
	}
	if in.guard.on && !in.options.push {
		return usage(errors.New("--if-unchanged is about what is published: --push"))
	}
	if in.targets, err = parseTargets(in.options.tags); err != nil {
		return err
	}
	if in.options.push && len(in.targets) == 0 {
		return usage(errors.New("--push needs a name: --tag"))
	}
	return nil
}

// parseTargets reads names to publish under, and leaves out what was named
// before.
func parseTargets(tags []string) ([]reference.NamedTagged, error) {
	var targets []reference.NamedTagged
	for _, tag := range tags {
		named, err := reference.ParseNormalizedNamed(tag)
		if err != nil {
			return nil, usage(fmt.Errorf("invalid tag %q: %w", tag, err))
		}
		if _, ok := named.(reference.Digested); ok {
			return nil, usage(fmt.Errorf("invalid tag %q: a digest can't be chosen", tag))
		}
		target, ok := reference.TagNameOnly(named).(reference.NamedTagged)
		if !ok {
			return nil, usage(fmt.Errorf("invalid tag %q", tag))
		}
		if !slices.ContainsFunc(targets, func(t reference.NamedTagged) bool { return t.String() == target.String() }) {
			targets = append(targets, target)
		}
	}
	return targets, nil
}

// readPlatforms takes the platform from the environment, as docker build does, if
// the flag is not given.
func (in *buildInput) readPlatforms() (err error) {
	if fromEnv := os.Getenv("DOCKER_DEFAULT_PLATFORM"); len(in.options.platforms) == 0 && fromEnv != "" {
		in.options.platforms = []string{fromEnv}
	}
	if in.platforms, err = readPlatforms(in.options.platforms, platform.ParseColon); err != nil {
		return err
	}
	if in.missing, err = parsePlatforms(in.options.allowMissing); err != nil {
		return err
	}
	if slices.Contains(in.options.emulate, emulateAll) {
		in.emulateAll = true
		return nil
	}
	in.emulate, err = parsePlatforms(in.options.emulate)
	return err
}

// parsePlatforms reads platforms and leaves out what was named before.
func parsePlatforms(all []string) ([]ocispec.Platform, error) {
	return readPlatforms(all, platform.Parse)
}

func readPlatforms(all []string, parse func(string) (ocispec.Platform, error)) ([]ocispec.Platform, error) {
	var parsed []ocispec.Platform
	for _, s := range all {
		p, err := parse(s)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(parsed, func(q ocispec.Platform) bool { return platform.Same(p, q) }) {
			parsed = append(parsed, p)
		}
	}
	return parsed, nil
}

// readNodes tells the nodes for all platforms from those for one.
func (in *buildInput) readNodes() error {
	for _, s := range in.options.nodes {
		if v := newPlatformValue(s); v.front != "" {
			in.pins = append(in.pins, build.Pin{Platform: v.platform, Node: v.value})
		} else {
			in.nodes = append(in.nodes, v.value)
		}
	}
	return nil
}

func (in *buildInput) readTemplate() (err error) {
	if in.options.platformTag == "none" {
		return nil
	}
	if in.platformTag, err = build.NewTagTemplate(in.options.platformTag); err != nil {
		return usage(err)
	}
	return nil
}

func (in *buildInput) readProgress() error {
	in.progress = progress.Mode(in.options.progress)
	if !slices.Contains(progress.Modes, in.progress) {
		return usage(fmt.Errorf("invalid progress mode %q, must be one of %s", in.options.progress, progressModes()))
	}
	if in.options.quiet {
		in.progress = progress.Quiet
	}
	if !slices.Contains([]string{secretFilesWarn, secretFilesFail, secretFilesOff}, in.options.secretFiles) {
		return usage(fmt.Errorf("invalid --secret-files %q, must be %s, %s or %s", in.options.secretFiles, secretFilesWarn, secretFilesFail, secretFilesOff))
	}
	return nil
}

func progressModes() string {
	names := make([]string, len(progress.Modes))
	for i, mode := range progress.Modes {
		names[i] = string(mode)
	}
	return strings.Join(names, "|")
}

func (in *buildInput) readDir() error {
	dir, err := os.Stat(in.options.dir)
	if err != nil {
		return usage(fmt.Errorf("invalid build context: %w", err))
	}
	if !dir.IsDir() {
		return usage(fmt.Errorf("invalid build context: %s is not a directory", in.options.dir))
	}
	return nil
}
