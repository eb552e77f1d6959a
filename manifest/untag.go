package manifest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
)

var (
	// ErrUnsupported means that the registry can't do what was asked: it has no such function, or has it switched off.
	ErrUnsupported = errors.New("not supported by the registry")
	// ErrOtherContent means that a tag has other content than it was thought to have.
	ErrOtherContent = errors.New("tag has other content")
)

// Untag removes tag, if it points at image or at an index of image alone, as an engine with the containerd image store
// pushes it. The image itself stays: it was read by digest before, and if the registry drops it together with its tag it
// is put back under both, and the error is [ErrUnsupported]. That is also the error of a registry that can't delete a tag
// (OCI distribution spec, end-9: an optional function). Other errors: [ErrNotFound] for no such tag, [ErrOtherContent],
// and those of all requests. They are an *[Error].
func (r *Registry) Untag(ctx context.Context, tag reference.NamedTagged, image digest.Digest) error {
	u := untagging{repository: r.repository(tag, true), tag: tag, image: image}
	if err := u.retry(ctx, u.task(), u.read); err != nil {
		return err
	}
	if err := u.retry(ctx, u.task(), u.delete); err != nil {
		return err
	}
	return u.retry(ctx, u.task(), u.check)
}

// Alone tells which image tag points at, directly or by an index that has no other; "" if there are several, or none.
// Failures are an *[Error].
func (r *Registry) Alone(ctx context.Context, tag reference.NamedTagged) (digest.Digest, error) {
	doc, err := r.repository(tag, false).document(ctx, task{op: "reading", reference: tag.String()}, tag.Tag())
	return alone(doc), err
}

func alone(doc document) digest.Digest {
	if !doc.isIndex() {
		return doc.descriptor.Digest
	}
	if images, _, other := split(doc.manifests); len(images) == 1 && len(other) == 0 {
		return images[0].Digest
	}
	return ""
}

// untagging is the removal of one tag.
type untagging struct {
	repository
	tag   reference.NamedTagged
	image digest.Digest
	had   document
	child document
}

func (u *untagging) task() task { return task{op: "untagging", reference: u.tag.String()} }

// read keeps what the tag points at, and the image, and compares them.
func (u *untagging) read(ctx context.Context) (err error) {
	if u.had, err = u.documentOnce(ctx, u.tag.Tag()); err != nil {
		return err
	}
	if alone(u.had) != u.image {
		return &failure{class: ErrOtherContent, cause: fmt.Errorf("it has %s", u.had.descriptor.Digest)}
	}
	u.child, err = u.documentOnce(ctx, u.image.String())
	return err
}

// delete is never sent with a digest: that would take the image away from every index that lists it.
func (u *untagging) delete(ctx context.Context) error {
	_, err := u.do(ctx, request{method: http.MethodDelete, kind: "manifests", reference: u.tag.Tag()})
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	switch {
	case slices.Contains([]int{http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented}, f.status),
		f.has(transport.UnsupportedErrorCode):
		f.class, f.transient = ErrUnsupported, false
	case f.status == http.StatusNotFound:
		return u.missing(ctx, f)
	}
	return f
}

// missing tells a tag that is gone, perhaps by an earlier attempt, from a registry that looks for digests only.
func (u *untagging) missing(ctx context.Context, f *failure) error {
	switch _, err := u.documentOnce(ctx, u.tag.Tag()); {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	f.class = ErrUnsupported
	return f
}

// check tells whether the image outlived its tag, and puts it back if not; then whether the tag is gone.
func (u *untagging) check(ctx context.Context) error {
	_, err := u.documentOnce(ctx, u.image.String())
	if errors.Is(err, ErrNotFound) {
		return u.restore(ctx)
	}
	if err != nil {
		return err
	}
	switch _, err = u.documentOnce(ctx, u.tag.Tag()); {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return &failure{class: ErrStale, cause: errors.New("after the tag was deleted"), transient: true}
}

func (u *untagging) restore(ctx context.Context) error {
	if err := u.putOnce(ctx, u.image.String(), u.child); err != nil {
		return err
	}
	if err := u.putOnce(ctx, u.tag.Tag(), u.had); err != nil {
		return err
	}
	return &failure{class: ErrUnsupported, cause: errors.New("it deleted the image together with its tag; both were put back")}
}
