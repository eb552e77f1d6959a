package archive

import (
	"context"
	"errors"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
)

// Read reads an OCI layout in a tar archive into d, which lists what it lists afterwards. Everything is verified. What r
// fails with is returned as it is; an archive that is not right is an [ErrInvalid].
func Read(ctx context.Context, r io.Reader, d *layout.Dir) (err error) {
	e, err := spool(ctx, r, d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.drop()) }()
	var version ocispec.ImageLayout
	if _, err := e.decode(ocispec.ImageLayoutFile, &version); err != nil {
		return err
	}
	if version.Version != ocispec.ImageLayoutVersion {
		return invalid("layout version %q is not known", version.Version)
	}
	var index ocispec.Index
	if _, err := e.decode(ocispec.ImageIndexFile, &index); err != nil {
		return err
	}
	if len(index.Manifests) > maxBlobs {
		return invalid("%d images", len(index.Manifests))
	}
	k := keeper{entries: e, dir: d}
	for _, m := range index.Manifests {
		if _, err := k.keep(m, 0); err != nil {
			return err
		}
	}
	return d.List(index.Manifests...)
}
