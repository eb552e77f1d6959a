package build

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/distribution/reference"
	dockerclient "github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/retry"
)

// Relay pushes images for nodes that can't or shouldn't.
type Relay interface {
	// Name is where the images are that were taken.
	Name() reference.Named
	// Take takes an image over from what its engine gives for `docker image
	// save`, and returns its manifest or index. It must have verified that
	// this is the image. What saved fails with it returns as it is, and
	// io.ErrUnexpectedEOF for what ends too early.
	Take(ctx context.Context, image Image, saved io.Reader) (ocispec.Descriptor, error)
	// Push puts an image that was taken under name; a name without a tag gets
	// it by its digest alone. ErrImmutable says that a tag can't be moved.
	Push(ctx context.Context, taken ocispec.Descriptor, name reference.Named) error
}

// relay takes the image over from the node, and pushes it. An image without a
// name to push it under stays where it was taken to.
func (r *Runner) relay(ctx context.Context, res *Result, w *progress.Writer) error {
	step := w.Start("taking the image from the node")
	var taken ocispec.Descriptor
	err := retry.Do(ctx, res.again("taking the image", step), func(ctx context.Context) (err error) {
		taken, err = r.take(ctx, res, step)
		return err
	})
	// That it was taken under this digest says that it is the image.
	verify := func(name reference.Named) error {
		return r.Verify(ctx, res.Assignment, Image{ID: taken.Digest}, Pushed{Reference: name, Digest: taken.Digest})
	}
	if err == nil {
		err = verify(r.Relay.Name())
	}
	if step.Done(err) != nil {
		return err
	}
	if len(res.Pushes) == 0 {
		res.Pushed = []Pushed{{Reference: r.Relay.Name(), Digest: taken.Digest}}
	}
	push := func(name reference.Named) error {
		step := w.Start("pushing " + reference.FamiliarString(name) + " for the node")
		err := r.Relay.Push(ctx, taken, name)
		if err == nil {
			err = verify(name)
		}
		if err == nil {
			res.Pushed = append(res.Pushed, Pushed{Reference: name, Digest: taken.Digest})
		}
		return step.Done(err)
	}
	for _, name := range res.Pushes {
		if err := res.push(name, push); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) take(ctx context.Context, res *Result, step *progress.Step) (ocispec.Descriptor, error) {
	blamed := func(err error) error { return blame(ctx, res.Node, fmt.Errorf("saving the image: %w", err)) }
	saved, err := res.Node.Client().ImageSave(ctx, []string{res.Image.ID.String()})
	if err != nil {
		return ocispec.Descriptor{}, blamed(err)
	}
	defer func() { _ = saved.Close() }() // it was only read
	taken, err := r.Relay.Take(ctx, res.Image, &savedImage{r: saved, step: step, blame: blamed})
	if errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, ErrNodeLost) {
		// Engines end the stream in good order when something fails on the way.
		err = fmt.Errorf("saving the image: %w: %w", ErrNoVerdict, err)
	}
	return taken, err
}

// shownEvery is how often the progress of a save is shown, in bytes.
const shownEvery = 4 << 20

// savedImage is an image on its way from a node. Its errors are the node's.
type savedImage struct {
	r     dockerclient.ImageSaveResult
	step  *progress.Step
	blame func(error) error
	// read is how many bytes came, shown how many of them were shown.
	read, shown int64
}

// Read implements io.Reader.
func (s *savedImage) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.read += int64(n)
	if s.read-s.shown >= shownEvery || err != nil {
		s.shown = s.read
		s.step.Part("image", s.read, 0, err != nil)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.blame(err)
	}
	return n, err
}
