package build

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	dockerclient "github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/contexts"
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
