package build

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	dockerclient "github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// labelExpires marks our containers with the time after which they are
// left-overs of a client that died, in RFC 3339. The next run that makes a
// container on that engine removes them.
const labelExpires = "io.docker-multiarch.expires"

// Time limits of containers.
const (
	createGrace   = 1500 * time.Millisecond // with removeTimeout, after an interrupt, which has to end within 5 s
	removeTimeout = 3 * time.Second
	expiresAfter  = 10 * time.Minute
)

// vessel is a container of ours on a node.
type vessel struct {
	node *contexts.Node
	id   string
}

// newVessel makes a container of an image that was built for a. The caller
// removes it. It is to be gone within limit, give or take the clocks.
func newVessel(ctx context.Context, a Assignment, image Image, options dockerclient.ContainerCreateOptions, limit time.Duration) (*vessel, error) {
	sweep(ctx, a.Node)
	options.Config.Image = image.ID.String()
	options.Config.Labels = map[string]string{labelExpires: time.Now().Add(a.Node.Engine.Skew + limit + expiresAfter).UTC().Format(time.RFC3339)}
	if a.Match == contexts.Emulated && a.Node.Engine.ImageStore == contexts.Containerd {
		options.Platform = &ocispec.Platform{OS: a.Platform.OS, Architecture: a.Platform.Architecture, Variant: a.Platform.Variant}
	}
	made, err := create(ctx, a.Node, options)
	if err != nil {
		return nil, blame(ctx, a.Node, fmt.Errorf("making a container: %w", err))
	}
	return &vessel{node: a.Node, id: made.ID}, nil
}

// create waits for the engine a little longer than ctx lasts: it makes the
// container even if nobody hears its name, and then nobody would remove it.
func create(ctx context.Context, n *contexts.Node, options dockerclient.ContainerCreateOptions) (dockerclient.ContainerCreateResult, error) {
	waiting, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		time.AfterFunc(createGrace, func() { cancel(context.Cause(ctx)) })
	})()
	return n.Client().ContainerCreate(waiting, options)
}

// remove ends and removes the container with its volumes, even if ctx has
// ended, and adds to err if that failed.
func (v *vessel) remove(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	_, failed := v.node.Client().ContainerRemove(ctx, v.id, dockerclient.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if failed == nil || errdefs.IsNotFound(failed) {
		return err
	}
	return errors.Join(err, fmt.Errorf("container %.12s is left on node %s: %w", v.id, v.node.Name, failed))
}

// sweep removes containers that clients left behind that died. It is a favour to
// the engine, and its failure is nobody's.
func sweep(ctx context.Context, n *contexts.Node) {
	left, err := n.Client().ContainerList(ctx, dockerclient.ContainerListOptions{
		All: true, Filters: make(dockerclient.Filters).Add("label", labelExpires),
	})
	if err != nil {
		return
	}
	now := time.Now().Add(n.Engine.Skew)
	for _, c := range left.Items {
		if ctx.Err() != nil {
			return // each may take as long as removeTimeout
		}
		if expires, err := time.Parse(time.RFC3339, c.Labels[labelExpires]); err == nil && expires.Before(now) {
			_ = (&vessel{node: n, id: c.ID}).remove(ctx, nil)
		}
	}
}
