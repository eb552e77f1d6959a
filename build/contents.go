package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/moby/moby/api/types/container"
	dockerclient "github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
)

// Contents are the files of an image that a node holds, read through a container
// that is never started: engines give files of containers only.
type Contents struct {
	// Config is the image's own.
	Config ocispec.ImageConfig

	vessel *vessel
}

// drained is how much of an answer is read on after it was enough, in bytes:
// less than a new connection costs.
const drained = 256 << 10

// openContents makes the container. The caller removes it.
func openContents(ctx context.Context, a Assignment, image Image) (*Contents, error) {
	config, err := imageConfig(ctx, a, image)
	if err != nil {
		return nil, err
	}
	// Without a command an engine makes no container.
	v, err := newVessel(ctx, a, image, dockerclient.ContainerCreateOptions{
		Config:     &container.Config{Entrypoint: []string{"never-started"}},
		HostConfig: &container.HostConfig{NetworkMode: "none"},
	}, 0)
	if err != nil {
		return nil, err
	}
	return &Contents{Config: config.ImageConfig, vessel: v}, nil
}

// looking is a look into an image that may go on while other things are done.
type looking struct {
	contents *Contents // nil: it was not opened
	stop     context.CancelFunc
	ended    chan struct{}
}

// look has the files of the built image looked at. The caller ends what it
// returns, also with an error.
func (r *Runner) look(ctx context.Context, req Request, a Assignment, image Image, w *progress.Writer) (l looking, err error) {
	if r.Fits == nil || len(req.Outputs) > 0 {
		return l, nil
	}
	step := w.Start("[verify] programs are for " + platforms.FormatAll(a.Platform))
	defer func() { err = step.Done(err) }()
	ctx, l.stop = context.WithCancel(ctx)
	l.ended = make(chan struct{})
	beside, err := r.Fits(ctx, a, func() (*Contents, error) {
		var err error
		l.contents, err = openContents(ctx, a, image)
		return l.contents, err
	})
	if err != nil || beside == nil {
		close(l.ended)
		return l, err
	}
	go func() {
		defer close(l.ended)
		beside(ctx)
	}()
	return l, nil
}

// end waits until the look has ended, or ends it if that is no use any more, and
// removes the container.
func (l looking) end(ctx context.Context, useless bool) error {
	if l.stop == nil {
		return nil
	}
	if useless {
		l.stop()
	}
	<-l.ended
	l.stop()
	if l.contents == nil {
		return nil
	}
	return l.contents.vessel.remove(ctx, nil)
}

// Archive returns the tar archive of a path and where symbolic links led to. A
// path that the image lacks is fs.ErrNotExist.
func (c *Contents) Archive(ctx context.Context, name string) (string, io.ReadCloser, error) {
	for range 2 { // the engine tells where a link leads to in the end
		got, err := c.vessel.node.Client().CopyFromContainer(ctx, c.vessel.id, dockerclient.CopyFromContainerOptions{SourcePath: name})
		if errdefs.IsNotFound(err) {
			return "", nil, &fs.PathError{Op: "archive", Path: name, Err: fs.ErrNotExist}
		}
		if err != nil {
			return "", nil, blame(ctx, c.vessel.node, fmt.Errorf("reading %s: %w", name, err))
		}
		if got.Stat.Mode&fs.ModeSymlink == 0 {
			return name, drain{got.Content}, nil
		}
		_ = drain{got.Content}.Close()
		name = progress.CleanLine(got.Stat.LinkTarget)
	}
	return "", nil, &fs.PathError{Op: "archive", Path: name, Err: fs.ErrNotExist}
}

// drain is an answer whose connection is kept, if little of it is left.
type drain struct{ io.ReadCloser }

func (d drain) Close() error {
	_, err := io.CopyN(io.Discard, d.ReadCloser, drained)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, d.ReadCloser.Close())
}
