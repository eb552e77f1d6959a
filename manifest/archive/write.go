package archive

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
)

// Write writes what d lists as a tar archive: an OCI layout that `docker image load` reads too. With docker it also has
// Docker's own manifest.json, for engines with a graph driver; these load one platform. The same images give the same
// bytes: entries are sorted, and have no owner and no time. Each blob is verified on its way.
func Write(ctx context.Context, w io.Writer, d *layout.Dir, docker bool) error {
	index, err := d.Index()
	if err != nil {
		return err
	}
	c := content{dir: d, blobs: map[digest.Digest]ocispec.Descriptor{}}
	for _, m := range index.Manifests {
		if err := c.add(m, 0); err != nil {
			return fmt.Errorf("writing archive: %w", err)
		}
	}
	out := tar.NewWriter(w)
	err = c.write(ctx, out, index, docker)
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		return fmt.Errorf("writing archive: %w", err)
	}
	return nil
}

func (c *content) write(ctx context.Context, out *tar.Writer, index ocispec.Index, docker bool) error {
	for _, dir := range []string{ocispec.ImageBlobsDir, path.Join(ocispec.ImageBlobsDir, digest.SHA256.String())} {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755}); err != nil {
			return err
		}
	}
	for _, dgst := range slices.Sorted(maps.Keys(c.blobs)) {
		if err := c.blob(ctx, out, c.blobs[dgst]); err != nil {
			return err
		}
	}
	if err := writeJSON(out, ocispec.ImageIndexFile, index); err != nil {
		return err
	}
	if docker {
		if err := writeJSON(out, savedFile, c.saved(index)); err != nil {
			return err
		}
	}
	return writeJSON(out, ocispec.ImageLayoutFile, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
}

func header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644}
}

func writeJSON(out *tar.Writer, name string, content any) error {
	raw, err := json.Marshal(content)
	if err != nil {
		return err
	}
	if err := out.WriteHeader(header(name, int64(len(raw)))); err != nil {
		return err
	}
	_, err = out.Write(raw)
	return err
}

func (c *content) blob(ctx context.Context, out *tar.Writer, desc ocispec.Descriptor) error {
	if err := desc.Digest.Validate(); err != nil {
		return invalid("digest %q: %w", desc.Digest, err)
	}
	file, err := c.dir.Blob(desc.Digest)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	if err := out.WriteHeader(header(blobName(desc.Digest), desc.Size)); err != nil {
		return err
	}
	hash := desc.Digest.Verifier()
	_, err = io.Copy(io.MultiWriter(out, hash), newSource(ctx, file))
	switch {
	case errors.Is(err, tar.ErrWriteTooLong), err == nil && !hash.Verified():
		return invalid("%s has other content", desc.Digest)
	}
	return err
}

// AnnotationName is the annotation in index.json by which containerd, and so `docker image load`, names an image: its
// whole reference. The tag alone, which others go by, is ocispec.AnnotationRefName.
const AnnotationName = "io.containerd.image.name"
