package archive

import (
	"context"
	"errors"
	"io"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
)

// ReadImage reads one image from what an engine gives for `docker image save` into d, and returns its manifest or, with
// attestations, the index of these and it. The image's ID must be id, the engine's: the digest of the config with a graph
// driver, of the manifest or index with the containerd image store. All that id stands for is verified, layers included.
//
// With the containerd store the result is id itself, unless convert makes OCI media types of Docker's. With a graph driver
// the layers are compressed, and the manifest has Docker's media types, as in a push, or OCI's with convert.
//
// What r fails with is returned as it is; an archive that is not right is an [ErrInvalid].
func ReadImage(ctx context.Context, r io.Reader, d *layout.Dir, id digest.Digest, convert bool) (desc ocispec.Descriptor, err error) {
	e, err := spool(ctx, r, d)
	if err != nil {
		return desc, err
	}
	defer func() { err = errors.Join(err, e.drop()) }()
	saved, err := e.saved(id)
	switch {
	case err != nil:
		return desc, err
	case saved != nil:
		return e.assemble(ctx, *saved, d, convert)
	case e.blob(id) == nil:
		return desc, invalid("it lacks the image %s", id)
	}
	k := keeper{entries: e, dir: d, convert: convert}
	return k.keep(ocispec.Descriptor{Digest: id}, 0)
}

// savedImage is an entry of manifest.json, which all engines write.
type savedImage struct {
	Config string
	Layers []string
}

// saved finds the image whose config has the digest id. There is none if id is that of a manifest.
func (e *entries) saved(id digest.Digest) (*savedImage, error) {
	if e.find(savedFile) == nil {
		return nil, nil
	}
	var all []savedImage
	if _, err := e.decode(savedFile, &all); err != nil {
		return nil, err
	}
	for _, image := range all {
		if config := e.find(image.Config); config != nil && config.Digest == id {
			return &image, nil
		}
	}
	return nil, nil
}

// savedFile is what lists the images of a save.
const savedFile = "manifest.json"
