package builder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/sys/atomicwriter"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/check/binary"
	"github.com/docker-multiarch/docker-multiarch/platform"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/dockerfile"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// input is what the flags of build mean, checked without talking to any
// engine or registry.
type input struct {
	options     *options
	targets     []reference.NamedTagged
	platforms   []ocispec.Platform
	nodes       []string
	pins        []build.Pin
	missing     []ocispec.Platform
	emulate     []ocispec.Platform
	emulateAll  bool
	platformTag build.TagTemplate
	dockerfiles *dockerfile.Set
	progress    progress.Mode
	guard       registry.Guard
	allowed     binary.Allowed
}

// read checks the flags. Its errors are usage errors, but for a Dockerfile that
// is there and can't be read or parsed.
func (o *options) read(stdin io.Reader) (*input, error) {
	in := &input{options: o}
	for _, step := range []func() error{o.readOutput, o.readCall, in.readTargets, in.readPlatforms, in.readNodes, in.readTemplate, in.readProgress, in.readVerify, in.readDir, o.checkFiles} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	in.dockerfiles = dockerfile.NewSet(o.dir, &o.file, stdin)
	in.dockerfiles.Inside = o.fetched
	return in, in.dockerfiles.ReadKnown(in.platforms)
}

func (in *input) readVerify() (err error) {
	in.allowed, err = argument.Verify(in.options.verify, in.options.allowForeign)
	return err
}

func (in *input) readTargets() (err error) {
	if in.guard, err = registry.NewGuard(in.options.ifUnchanged); err != nil {
		return err
	}
	if in.guard.On && !in.options.push {
		return argument.Wrong(errors.New("--if-unchanged is about what is published: --push"))
	}
	if in.targets, err = argument.Targets(in.options.tags); err != nil {
		return err
	}
	if in.options.push && len(in.targets) == 0 {
		return argument.Wrong(errors.New("--push needs a name: --tag"))
	}
	return nil
}

// readPlatforms takes the platform from the environment, as docker build does, if
// the flag is not given, and those of multiarch.yaml if there is neither.
func (in *input) readPlatforms() (err error) {
	if fromEnv := os.Getenv("DOCKER_DEFAULT_PLATFORM"); len(in.options.platforms) == 0 && fromEnv != "" {
		in.options.platforms = []string{fromEnv}
	}
	if in.platforms, err = argument.PlatformsBy(in.options.platforms, platform.ParseColon); err != nil {
		return err
	}
	if len(in.platforms) == 0 {
		in.platforms = in.options.settled
	}
	if err = apart(in.platforms); err != nil {
		return err
	}
	if in.missing, err = argument.Platforms(in.options.allowMissing); err != nil {
		return err
	}
	if slices.Contains(in.options.emulate, emulateAll) {
		in.emulateAll = true
		return nil
	}
	in.emulate, err = argument.Platforms(in.options.emulate)
	return err
}

// apart refuses platforms of which one image may be both: two names of one
// version of Windows.
func apart(all []ocispec.Platform) error {
	for i, p := range all {
		for _, q := range all[:i] {
			if platform.Same(p, q) {
				return argument.Wrong(fmt.Errorf("%s and %s may be one image: each platform needs its own version, as in windows(10.0.20348)/amd64", platforms.FormatAll(q), platforms.FormatAll(p)))
			}
		}
	}
	return nil
}

// readNodes tells the nodes for all platforms from those for one.
func (in *input) readNodes() error {
	for _, s := range in.options.nodes {
		if v := argument.NewPlatformValue(s); v.Front != "" {
			in.pins = append(in.pins, build.Pin{Platform: v.Platform, Node: v.Value})
		} else {
			in.nodes = append(in.nodes, v.Value)
		}
	}
	return nil
}

func (in *input) readTemplate() (err error) {
	if in.options.platformTag == "none" {
		return nil
	}
	if in.platformTag, err = build.NewTagTemplate(in.options.platformTag); err != nil {
		return argument.Wrong(err)
	}
	return nil
}

func (in *input) readProgress() error {
	in.progress = progress.Mode(in.options.progress)
	if !slices.Contains(progress.Modes, in.progress) {
		return argument.Wrong(fmt.Errorf("invalid progress mode %q, must be one of %s", in.options.progress, progressModes()))
	}
	if in.options.quiet {
		in.progress = progress.Quiet
	}
	if !slices.Contains([]string{secretFilesWarn, secretFilesFail, secretFilesOff}, in.options.secretFiles) {
		return argument.Wrong(fmt.Errorf("invalid --secret-files %q, must be %s, %s or %s", in.options.secretFiles, secretFilesWarn, secretFilesFail, secretFilesOff))
	}
	return nil
}

func progressModes() string {
	return strings.Join(progressNames(), "|")
}

// checkFiles refuses files for results that could not be written: after the build
// it would be too late. A folder may be missing that the build itself makes.
func (o *options) checkFiles() error {
	for _, file := range []struct{ flag, path string }{{"metadata-file", o.metadataFile}, {"iidfile", o.iidFile}} {
		if file.path == "" {
			continue
		}
		if _, err := os.Stat(filepath.Dir(file.path)); errors.Is(err, fs.ErrNotExist) && (o.logDir != "" || len(o.output.All) > 0) {
			continue
		}
		if info, err := os.Stat(file.path); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
			continue // a pipe or a terminal
		}
		// Nothing is written: the file stays as it is.
		trial, err := atomicwriter.New(file.path, 0o644)
		if err == nil {
			err = trial.Close()
		}
		if err != nil {
			return argument.Wrong(fmt.Errorf("invalid --%s %q: %w", file.flag, file.path, err))
		}
	}
	return nil
}

func (in *input) readDir() error {
	dir, err := os.Stat(in.options.dir)
	if err != nil {
		return argument.Wrong(fmt.Errorf("invalid build context: %w", err))
	}
	if !dir.IsDir() {
		return argument.Wrong(fmt.Errorf("invalid build context: %s is not a directory", in.options.dir))
	}
	return nil
}
