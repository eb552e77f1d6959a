package build

import (
	"context"
	"fmt"
	"slices"

	"github.com/distribution/reference"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/retry"
)

// pushAll pushes the image under all names that it is pushed under.
func (r *Runner) pushAll(ctx context.Context, req Request, res *Result, w *progress.Writer) error {
	if res.Node.Relay && r.Relay != nil {
		return r.relay(ctx, res, w)
	}
	push := func(name reference.Named) error {
		if tagged, ok := name.(reference.NamedTagged); ok {
			return r.pushAs(ctx, res, tagged, w)
		}
		return r.pushByDigest(ctx, req, res, name, w)
	}
	for _, name := range res.Pushes {
		if err := res.push(name, push); err != nil {
			return err
		}
	}
	return nil
}

// pushesByDigest says whether images of a node can be pushed without a tag. An
// engine's own push needs one; its BuildKit's does not, but has the images of a
// graph driver in its cache only.
func pushesByDigest(n *contexts.Node) bool {
	return n.Relay || n.Engine.Builder == contexts.BuildKit && n.Engine.ImageStore == contexts.Containerd
}

// checkUntagged refuses to push without a tag what can't be. Attestations tell when
// a build was, so that one more would not give the same.
func (a Assignment) checkUntagged(req Request) error {
	untagged := func(name reference.Named) bool { _, ok := name.(reference.NamedTagged); return !ok }
	switch {
	case !slices.ContainsFunc(a.Pushes, untagged), a.Node.Relay:
		return nil
	case !pushesByDigest(a.Node):
		return fmt.Errorf("%w: node %s", ErrNeedsTag, a.Node.Name)
	case len(req.Attests) > 0:
		return fmt.Errorf("%w: node %s, with attestations", ErrNeedsTag, a.Node.Name)
	}
	return nil
}

// pushByDigest has the node's BuildKit push the image that it built, under its
// digest alone. To BuildKit this is one more build, of steps that it has cached;
// that it gave the same image is verified as for every push.
func (r *Runner) pushByDigest(ctx context.Context, req Request, res *Result, name reference.Named, w *progress.Writer) error {
	req.pushTo = name
	req.NoCache, req.NoCacheFilter, req.Pull, req.CacheTo = false, nil, false, nil
	pushed := Pushed{Reference: name}
	step := w.Start("pushing " + name.Name() + " by digest")
	err := retry.Do(ctx, res.again("pushing "+name.Name(), step), func(ctx context.Context) error {
		again, err := r.builder(res.Node).Build(ctx, req, res.Assignment, w)
		if err != nil {
			return err
		}
		pushed.Digest = again.ID
		return r.Verify(ctx, res.Assignment, res.Image, pushed)
	})
	if err == nil {
		res.Pushed = append(res.Pushed, pushed)
	}
	return step.Done(err)
}
