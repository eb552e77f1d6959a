package build

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// unmovable are the words by which registries say through an engine that a tag
// has other content and may not be moved: those of Amazon ECR, Harbor, Quay and
// Google's Artifact Registry.
var unmovable = regexp.MustCompile(`(?i)immutable|cannot be overwritten`)

// ErrImmutable is what [Relay.Push] returns when the registry has other content
// under the tag and won't move it.
var ErrImmutable = errors.New("tag is immutable")

// push pushes the image under a name, its platform's tag or none, with pushAs. A
// run that failed may have left the tag at a registry that lets none be moved: then
// it is pushed once more, under a tag that no run had before.
func (res *Result) push(name reference.Named, pushAs func(reference.Named) error) error {
	err := pushAs(name)
	tagged, ok := name.(reference.NamedTagged)
	if !ok || !isImmutable(err) {
		return err
	}
	aside, asideErr := unusedTag(tagged)
	if asideErr != nil {
		return errors.Join(err, asideErr)
	}
	res.PlatformTags = slices.Concat(res.PlatformTags, []reference.NamedTagged{aside})
	return pushAs(aside)
}

func isImmutable(err error) bool {
	e, ok := errors.AsType[*EngineError](err)
	return errors.Is(err, ErrImmutable) || ok && unmovable.MatchString(e.Message)
}

// held returns the digest of the image under a tag that can't be moved, if it is
// what the tag has: some registries refuse even that. The digest is one that the
// engine itself knows the image by, from an earlier push.
func (r *Runner) held(ctx context.Context, res *Result, name reference.NamedTagged) (digest.Digest, bool) {
	found, err := res.Node.Client().ImageInspect(ctx, res.Image.ID.String())
	if err != nil {
		return "", false
	}
	has, err := r.Resolve(ctx, name)
	if err != nil {
		return "", false
	}
	return has, slices.ContainsFunc(found.RepoDigests, func(text string) bool {
		known, err := reference.ParseNormalizedNamed(text)
		return err == nil && known.String() == name.Name()+"@"+has.String()
	})
}

// unusedTag makes a tag of its own for this run.
func unusedTag(name reference.NamedTagged) (reference.NamedTagged, error) {
	random := make([]byte, 4)
	_, _ = rand.Read(random) // it never fails
	suffix := "-" + hex.EncodeToString(random)
	tag := name.Tag()
	return reference.WithTag(reference.TrimNamed(name), tag[:min(len(tag), maxTag-len(suffix))]+suffix)
}
