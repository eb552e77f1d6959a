package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/cli/cli/command"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/check/binary"
	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/mediatype"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

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
		var work errgroup.Group
		work.SetLimit(parallelReads)
		for _, image := range f.chosen {
			work.Go(func() error {
				report, err := in.verifyImage(ctx, registry, f.name, image)
				mu.Lock()
				defer mu.Unlock()
				f.verdicts[image.Descriptor.Digest] = verdict(report, err)
				if misfit := report.Err(in.verify == argument.VerifyStrict); misfit != nil {
					f.verdicts[image.Descriptor.Digest] = verdictForeign
					all = append(all, fmt.Errorf("%s: %w", reference.FamiliarString(f.name), misfit))
					return nil
				}
				if _, unread := errors.AsType[*manifest.Error](err); unread || err != nil && in.verify == argument.VerifyStrict {
					failed = append(failed, err)
				} else {
					printWarning(dockerCLI, f, image, report, err)
				}
				return nil
			})
		}
		_ = work.Wait() // the errors are in the two lists
	}
	return errors.Join(all...), errors.Join(failed...)
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
		if !mediatype.IsForeign(l.MediaType) {
			layers = append(layers, opener(registry, name, l))
		}
	}
	return binary.Verify(ctx, binary.FromLayers(layers, in.verify == argument.VerifyStrict), config, in.allowed)
}

func printWarning(dockerCLI command.Cli, f *inspected, image manifest.Child, report binary.Report, err error) {
	if image.Descriptor.Platform == nil {
		return
	}
	who := reference.FamiliarString(f.name) + ", " + platforms.FormatAll(*image.Descriptor.Platform)
	for _, text := range report.Warnings(err) {
		fmt.Fprintf(dockerCLI.Err(), "Warning: %s: %s\n", progress.Clean(who), progress.Clean(text))
	}
}

// opener opens one layer of an image when it is wanted.
func opener(registry *manifest.Registry, name reference.Named, layer ocispec.Descriptor) binary.Layer {
	return func(ctx context.Context) (io.ReadCloser, error) { return registry.Layer(ctx, name, layer) }
}
