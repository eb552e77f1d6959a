package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/cli/cli/command"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/check/binary"
	"github.com/docker-multiarch/docker-multiarch/manifest"
)

// The values of --verify.
const (
	verifyOff    = "off"
	verifyOn     = "on"
	verifyStrict = "strict"
)

// readVerify checks --verify and reads --allow-foreign.
func readVerify(mode string, foreign []string) (binary.Allowed, error) {
	if !slices.Contains([]string{verifyOff, verifyOn, verifyStrict}, mode) {
		return nil, usage(fmt.Errorf("invalid --verify %q, must be %s, %s or %s", mode, verifyOff, verifyOn, verifyStrict))
	}
	allowed, err := binary.NewAllowed(foreign)
	if err != nil {
		return nil, usage(fmt.Errorf("invalid --allow-foreign: %w", err))
	}
	return allowed, nil
}

// fits looks at the programs of an image that a node built: at those that it
// starts at once, at a sample of the others beside what comes next. Who is strict
// waits for both. That programs can't be read is a warning otherwise, unless it is
// the node's failure.
func (s *buildSession) fits(ctx context.Context, a build.Assignment, open func() (*build.Contents, error)) (beside func(context.Context), err error) {
	strict, bounds := s.input.options.verify == verifyStrict, binary.Quick
	if strict {
		bounds = binary.Thorough
	}
	report := binary.Report{Platform: a.Platform}
	var v *binary.Verification
	c, err := open()
	if err == nil {
		image := ocispec.Image{Platform: a.Platform, Config: c.Config}
		v = binary.NewVerification(binary.FromArchives(c, bounds), image, s.input.allowed)
		err = v.Started(ctx)
		if strict && err == nil {
			err = v.Others(ctx)
		}
		report = v.Report()
	}
	if misfit := report.Err(strict); misfit != nil {
		return nil, misfit
	}
	if strict || ctx.Err() != nil || errors.Is(err, build.ErrNodeLost) || errors.Is(err, build.ErrNodeFull) {
		return nil, err
	}
	if err != nil {
		s.warnOf(a, report, err)
		return nil, nil
	}
	return func(ctx context.Context) {
		if err := v.Others(ctx); ctx.Err() == nil {
			s.warnOf(a, v.Report(), err)
		}
	}, nil
}

// warnOf keeps what is strange about an image for the end, when no display is in
// the way.
func (s *buildSession) warnOf(a build.Assignment, report binary.Report, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := platforms.FormatAll(a.Platform) + " on " + a.Node.Name
	for _, text := range warnings(report, err) {
		s.warnings = append(s.warnings, who+": "+text)
	}
}

// warnings are what is strange about an image, and why no more is known.
func warnings(report binary.Report, err error) (all []string) {
	if err != nil {
		all = append(all, "its programs could not be verified: "+err.Error())
	}
	if text := report.Warning(); text != "" {
		all = append(all, text)
	}
	return all
}

// What inspect --verify says of an image.
const (
	verdictFits    = "fits"
	verdictForeign = "foreign"
	verdictUnknown = "unknown"
)

// verifyAll looks at the programs of all images that are shown. The first error
// is what does not fit, the second one of reading.
func (in *inspectInput) verifyAll(ctx context.Context, dockerCLI command.Cli, registry *manifest.Registry, found []*inspected) (misfits, err error) {
	var all, failed []error
	for _, f := range found {
		f.verdicts = map[digest.Digest]string{}
		var mu sync.Mutex
		var work sync.WaitGroup
		limit := make(chan struct{}, parallelReads)
		for _, image := range f.chosen {
			work.Go(func() {
				limit <- struct{}{}
				defer func() { <-limit }()
				report, err := in.verifyImage(ctx, registry, f.name, image)
				mu.Lock()
				defer mu.Unlock()
				f.verdicts[image.Descriptor.Digest] = verdict(report, err)
				if misfit := report.Err(in.verify == verifyStrict); misfit != nil {
					f.verdicts[image.Descriptor.Digest] = verdictForeign
					all = append(all, fmt.Errorf("%s: %w", reference.FamiliarString(f.name), misfit))
					return
				}
				if _, unread := errors.AsType[*manifest.Error](err); unread || err != nil && in.verify == verifyStrict {
					failed = append(failed, err)
				} else {
					printWarning(dockerCLI, f, image, report, err)
				}
			})
		}
		work.Wait()
	}
	return joinOne(all), joinOne(failed)
}

func verdict(r binary.Report, err error) string {
	if err != nil || len(r.Checked) == 0 {
		return verdictUnknown
	}
	return verdictFits
}

// verifyImage looks at one image. One that runs nowhere has no programs.
func (in *inspectInput) verifyImage(ctx context.Context, registry *manifest.Registry, name reference.Named, image manifest.Child) (binary.Report, error) {
	if image.Descriptor.Platform == nil {
		return binary.Report{}, nil
	}
	raw, err := registry.Config(ctx, name, image.Descriptor.Digest)
	if err != nil {
		return binary.Report{}, err
	}
	var config ocispec.Image
	if err := json.Unmarshal(raw, &config); err != nil {
		return binary.Report{}, fmt.Errorf("reading image config: %w", err)
	}
	config.Platform = *image.Descriptor.Platform
	var layers []binary.Layer
	for _, l := range image.Layers {
		// Base layers of Windows are in no registry but their maker's.
		if !strings.Contains(l.MediaType, "foreign") && !strings.Contains(l.MediaType, "nondistributable") {
			layers = append(layers, opener(registry, name, l))
		}
	}
	return binary.Verify(ctx, binary.FromLayers(layers, in.verify == verifyStrict), config, in.allowed)
}

func printWarning(dockerCLI command.Cli, f *inspected, image manifest.Child, report binary.Report, err error) {
	if image.Descriptor.Platform == nil {
		return
	}
	who := reference.FamiliarString(f.name) + ", " + platforms.FormatAll(*image.Descriptor.Platform)
	for _, text := range warnings(report, err) {
		fmt.Fprintf(dockerCLI.Err(), "Warning: %s: %s\n", clean(who), clean(text))
	}
}

// opener opens one layer of an image when it is wanted.
func opener(registry *manifest.Registry, name reference.Named, layer ocispec.Descriptor) binary.Layer {
	return func(ctx context.Context) (io.ReadCloser, error) { return registry.Layer(ctx, name, layer) }
}
