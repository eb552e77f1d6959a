package build

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	dockerclient "github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/platform"
)

// Emulates returns the platforms that a node's BuildKit says it can build for.
// Those that it does not run natively are emulated, with what the machine has
// registered with binfmt_misc.
func Emulates(ctx context.Context, n *contexts.Node) ([]ocispec.Platform, error) {
	client, err := dialBuildKit(ctx, n)
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	workers, err := client.ListWorkers(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking %s what it emulates: %w", n.Name, err)
	}
	var all []ocispec.Platform
	for _, worker := range workers {
		all = append(all, worker.Platforms...)
	}
	return all, nil
}

// there returns ErrImageLost if the node no longer has an image that it built,
// and ErrVersion for one of another version of Windows than was asked for. An
// engine with a graph driver loses one when somebody removes the last name of
// the same image, which an earlier build left, in the moment before this build
// names it: the name is given to what is no longer there, without an error
// (AddTag in moby's builder/builder-next/exporter, 20.10).
func (i Image) there(ctx context.Context, a Assignment) error {
	if i.ID == "" {
		return nil
	}
	switch found, err := a.Node.Client().ImageInspect(ctx, i.ID.String()); {
	case errdefs.IsNotFound(err):
		return ErrImageLost
	case err != nil:
		return blame(ctx, a.Node, fmt.Errorf("looking for the image that was built: %w", err))
	default:
		return sameVersion(a.Platform, found.OsVersion)
	}
}

// sameVersion returns ErrVersion if an image's version of Windows, which is that
// of its base image, is not the one asked for.
func sameVersion(wanted ocispec.Platform, version string) error {
	is := wanted
	is.OSVersion = version
	if wanted.OS != "windows" || platform.Same(wanted, is) {
		return nil
	}
	return fmt.Errorf("%w: the image says it is %s", ErrVersion, platforms.FormatAll(is))
}

// Size is what the image takes on its node, in bytes, as the engine counts it; 0
// if the engine does not say.
func (r Result) Size(ctx context.Context) int64 {
	if r.Image.ID == "" {
		return 0
	}
	found, err := r.Node.Client().ImageInspect(ctx, r.Image.ID.String())
	if err != nil {
		return 0
	}
	return found.Size
}

// RemoveImages removes the images of results from their nodes, under all their
// names. An image that is not there is fine.
func RemoveImages(ctx context.Context, results []Result) error {
	var errs []error
	for _, res := range results {
		if res.Image.ID == "" {
			continue
		}
		names := []string{res.Image.ID.String()}
		if all := res.Names(); len(all) > 0 {
			names = names[:0]
			for _, name := range all {
				names = append(names, name.String())
			}
		}
		for _, name := range names {
			_, err := res.Node.Client().ImageRemove(ctx, name, dockerclient.ImageRemoveOptions{PruneChildren: true})
			if err != nil && !errdefs.IsNotFound(err) {
				errs = append(errs, fmt.Errorf("removing %s from %s: %w", name, res.Node.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}
