package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

// maxLayers bounds the layers of an image. Graph drivers can't stack as many.
const maxLayers = 512

// assemble makes the manifest of an image that an engine with a graph driver saved, and its compressed layers.
func (e *entries) assemble(ctx context.Context, saved savedImage, d *layout.Dir, convert bool) (desc ocispec.Descriptor, err error) {
	var config struct {
		RootFS ocispec.RootFS `json:"rootfs"`
	}
	raw, err := e.decode(saved.Config, &config)
	if err != nil {
		return desc, err
	}
	diffs := config.RootFS.DiffIDs
	if len(diffs) != len(saved.Layers) || len(diffs) > maxLayers {
		return desc, invalid("%d layers in the config, %d in the archive, at most %d", len(diffs), len(saved.Layers), maxLayers)
	}
	manifest := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: mediatype.DockerManifest,
		Config: ocispec.Descriptor{MediaType: mediatype.DockerConfig, Digest: digest.FromBytes(raw), Size: int64(len(raw))},
	}
	if manifest.Layers, err = e.layers(ctx, saved, diffs, d); err != nil {
		return desc, err
	}
	if convert {
		convertManifest(&manifest)
	}
	if err := e.find(saved.Config).Keep(); err != nil {
		return desc, err
	}
	return store(d, manifest.MediaType, manifest)
}

// layers compresses the layers, several at once, and each once however often the image has it. Layers that registries once did not
// hold, the base of older Windows images, are layers like others, as they are in the pushes of engines since 28.0.
func (e *entries) layers(ctx context.Context, saved savedImage, diffs []digest.Digest, d *layout.Dir) ([]ocispec.Descriptor, error) {
	first := map[digest.Digest]int{}
	all := make([]ocispec.Descriptor, len(diffs))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(runtime.GOMAXPROCS(0))
	for i, diff := range diffs {
		file := e.find(saved.Layers[i])
		switch {
		case file == nil:
			return nil, errors.Join(invalid("it lacks layer %d, %s", i, diff), work.Wait())
		case file.Digest != diff:
			return nil, errors.Join(invalid("layer %d is %s, not %s", i, file.Digest, diff), work.Wait())
		}
		if _, again := first[diff]; again {
			continue
		}
		first[diff] = i
		work.Go(func() (err error) {
			all[i], err = compress(ctx, file, d)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	for i, diff := range diffs {
		all[i] = all[first[diff]]
	}
	return all, nil
}

// compress makes a compressed layer of a plain one, which it deletes. The same content gives the same bytes.
func compress(ctx context.Context, plain *layout.Spooled, d *layout.Dir) (desc ocispec.Descriptor, err error) {
	in, err := plain.Open()
	if err != nil {
		return desc, err
	}
	defer func() { _ = in.Close() }() // it was only read
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		zip := gzip.NewWriter(w)
		_, err := io.Copy(zip, newSource(ctx, in))
		_ = w.CloseWithError(errors.Join(err, zip.Close())) // it returns nil
	}()
	packed, err := d.Spool(r)
	_ = r.Close() // it returns nil
	<-done
	if err != nil {
		return desc, fmt.Errorf("compressing a layer: %w", err)
	}
	if err := packed.Keep(); err != nil {
		return desc, errors.Join(err, packed.Drop())
	}
	return ocispec.Descriptor{MediaType: mediatype.DockerLayer, Digest: packed.Digest, Size: packed.Size}, plain.Drop()
}

// store makes a document part of a layout.
func store(d *layout.Dir, mediaType string, content any) (ocispec.Descriptor, error) {
	raw, err := json.Marshal(content)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	file, err := d.Spool(bytes.NewReader(raw))
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	if err := file.Keep(); err != nil {
		return ocispec.Descriptor{}, errors.Join(err, file.Drop())
	}
	return ocispec.Descriptor{MediaType: mediaType, Digest: file.Digest, Size: file.Size}, nil
}
