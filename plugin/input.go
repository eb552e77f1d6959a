package plugin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/opts"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/build/source"
)

// buildInput is what the flags of build mean, checked without talking to any
// engine or registry.
type buildInput struct {
	options     buildOptions
	targets     []reference.NamedTagged
	platforms   []ocispec.Platform
	nodes       []string
	pins        []build.Pin
	missing     []ocispec.Platform
	emulate     []ocispec.Platform
	emulateAll  bool
	platformTag build.TagTemplate
	dockerfile  *source.Dockerfile
	buildArgs   map[string]string
	labels      map[string]string
	progress    progress.Mode
}

// read checks the flags. Its errors are usage errors, but for a Dockerfile that
// is there and can't be read or parsed.
func (o buildOptions) read() (*buildInput, error) {
	in := &buildInput{options: o}
	for _, step := range []func() error{in.readTargets, in.readPlatforms, in.readNodes, in.readTemplate, in.readProgress, in.readValues, in.readPaths} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func (in *buildInput) readTargets() error {
	for _, tag := range in.options.tags {
		named, err := reference.ParseNormalizedNamed(tag)
		if err != nil {
			return usage(fmt.Errorf("invalid tag %q: %w", tag, err))
		}
		if _, ok := named.(reference.Digested); ok {
			return usage(fmt.Errorf("invalid tag %q: a digest can't be chosen", tag))
		}
		target, ok := reference.TagNameOnly(named).(reference.NamedTagged)
		if !ok {
			return usage(fmt.Errorf("invalid tag %q", tag))
		}
		if !slices.ContainsFunc(in.targets, func(t reference.NamedTagged) bool { return t.String() == target.String() }) {
			in.targets = append(in.targets, target)
		}
	}
	if in.options.push && len(in.targets) == 0 {
		return usage(errors.New("--push needs a name: --tag"))
	}
	return nil
}

func (in *buildInput) readPlatforms() (err error) {
	if in.platforms, err = parsePlatforms(in.options.platforms); err != nil {
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
	var parsed []ocispec.Platform
	for _, s := range all {
		p, err := build.ParsePlatform(s)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(parsed, func(q ocispec.Platform) bool { return build.SamePlatform(p, q) }) {
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
	return nil
}

func progressModes() string {
	names := make([]string, len(progress.Modes))
	for i, mode := range progress.Modes {
		names[i] = string(mode)
	}
	return strings.Join(names, "|")
}

// readValues takes a build argument without a value from the environment, and
// leaves it out if it is not set there, as docker build does.
func (in *buildInput) readValues() error {
	in.buildArgs, in.labels = map[string]string{}, map[string]string{}
	for key, value := range opts.ConvertKVStringsToMapWithNil(in.options.buildArgs.GetSlice()) {
		if value != nil {
			in.buildArgs[key] = *value
		} else if fromEnv, ok := os.LookupEnv(key); ok {
			in.buildArgs[key] = fromEnv
		}
	}
	in.labels = opts.ConvertKVStringsToMap(in.options.labels.GetSlice())
	return nil
}

func (in *buildInput) readPaths() error {
	dir, err := os.Stat(in.options.dir)
	if err != nil {
		return usage(fmt.Errorf("invalid build context: %w", err))
	}
	if !dir.IsDir() {
		return usage(fmt.Errorf("invalid build context: %s is not a directory", in.options.dir))
	}
	path := in.options.file
	if path == "" {
		path = filepath.Join(in.options.dir, "Dockerfile")
	}
	if info, err := os.Stat(path); err != nil {
		return usage(fmt.Errorf("invalid Dockerfile: %w", err))
	} else if info.IsDir() {
		return usage(fmt.Errorf("invalid Dockerfile: %s is a directory", path))
	}
	in.dockerfile, err = source.ReadDockerfile(path, in.options.dir)
	return err
}
