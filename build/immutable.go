package build

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"

	"github.com/distribution/reference"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
)

// unmovable are the words by which registries say through an engine that a tag
// has other content and may not be moved: those of Amazon ECR, Harbor, Quay and
// Google's Artifact Registry.
var unmovable = regexp.MustCompile(`(?i)immutable|cannot be overwritten`)

// push pushes an image under its platform's tag. An earlier run that failed may
// have left the tag at a registry that lets none be moved: then it is pushed once
// more, under a tag that no run had before.
func (r *Runner) push(ctx context.Context, res *Result, name reference.NamedTagged, w *progress.Writer) error {
	err := r.pushAs(ctx, res, name, w)
	if e, ok := errors.AsType[*EngineError](err); !ok || !unmovable.MatchString(e.Message) {
		return err
	}
	aside, asideErr := unusedTag(name)
	if asideErr != nil {
		return errors.Join(err, asideErr)
	}
	res.PlatformTags = slices.Concat(res.PlatformTags, []reference.NamedTagged{aside})
	return r.pushAs(ctx, res, aside, w)
}

// unusedTag makes a tag of its own for this run.
func unusedTag(name reference.NamedTagged) (reference.NamedTagged, error) {
	random := make([]byte, 4)
	_, _ = rand.Read(random) // it never fails
	suffix := "-" + hex.EncodeToString(random)
	tag := name.Tag()
	return reference.WithTag(reference.TrimNamed(name), tag[:min(len(tag), maxTag-len(suffix))]+suffix)
}
