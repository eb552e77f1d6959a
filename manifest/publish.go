package manifest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
)

const (
	staleLimit = 60 * time.Second // how long a tag may answer with its old manifest
	stalePoll  = 2 * time.Second
)

// publication is an index on its way to a tag.
type publication struct {
	repository
	target reference.NamedTagged
	idx    document
	before digest.Digest // what the tag had; "" if it didn't exist
	doubt  bool          // an answer to a PUT was lost, and the tag could not be read

	check    func(context.Context, document) error // reads back what the document refers to
	expected *digest.Digest                        // what the tag must have had; nil takes anything
}

// Publish puts idx under target, by one PUT of a manifest, after everything it refers to was read back from target's
// repository by digest: manifests, configs, the presence of every layer. If the tag already has idx, nothing is sent.
//
// A nil error means that afterwards the index and its parts were read by digest again, and that the tag answered with
// idx. A PUT whose answer was lost counts if the tag has idx; if not, it is sent again.
//
// Errors are an *[Error]. Before the PUT: [ErrNotFound] or [ErrDigest] for a part that is missing or damaged,
// [ErrPlatform] for an image that is not for the platform idx gives it. From the PUT on: [ErrImmutable] if the registry
// won't move the tag, [ErrChanged] if it has a third manifest; [ErrUnproven] if what the tag has could not be found out, with
// [ErrStale] if it keeps its old manifest for 60 s.
func (r *Registry) Publish(ctx context.Context, target reference.NamedTagged, idx Index, opts ...PublishOption) error {
	return r.newPublication(target, opts).publish(ctx, idx)
}

func (r *Registry) newPublication(target reference.NamedTagged, opts []PublishOption) *publication {
	p := &publication{repository: r.repository(target, true), target: target}
	p.check = p.complete
	for _, option := range opts {
		option(p)
	}
	return p
}

func (p *publication) publish(ctx context.Context, idx Index) (err error) {
	if p.idx, err = parseDocument(idx.Descriptor.MediaType, idx.Raw); err != nil {
		return p.explain(ctx, p.task(), &failure{class: ErrInvalid, cause: err})
	}
	if !p.idx.isIndex() || p.idx.descriptor.Digest != idx.Descriptor.Digest {
		return p.explain(ctx, p.task(), &failure{class: ErrInvalid, cause: errors.New("the index is not what its descriptor says")})
	}
	return p.run(ctx)
}

// run is the publication of p.idx, from reading back to proof.
func (p *publication) run(ctx context.Context) (err error) {
	if err := p.check(ctx, p.idx); err != nil {
		return err
	}
	if p.before, err = p.tagged(ctx); err != nil {
		return err
	}
	if p.before == p.idx.descriptor.Digest {
		return nil
	}
	if p.expected != nil && *p.expected != p.before {
		return p.explain(ctx, p.task(), p.unexpected())
	}
	err = p.retry(ctx, p.task(), p.put)
	if err != nil && !p.doubt {
		return err
	}
	if err == nil {
		err = p.prove(ctx)
	}
	return p.unproven(err)
}

// unproven says of an error from the PUT on that the tag may have moved.
func (p *publication) unproven(err error) error {
	if err == nil || errors.Is(err, ErrChanged) {
		return err
	}
	return &Error{Op: p.task().op, Host: p.host(), Reference: p.task().reference, Class: ErrUnproven, Err: err}
}

func (p *publication) task() task { return task{op: "publishing", reference: p.target.String()} }

// put sends the index. After a lost answer it looks whether the index arrived, so that an error here means that another
// PUT is safe.
func (p *publication) put(ctx context.Context) error {
	_, err := p.do(ctx, request{
		method:      http.MethodPut,
		kind:        "manifests",
		reference:   p.target.Tag(),
		contentType: p.idx.descriptor.MediaType,
		body:        p.idx.raw,
	})
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	switch {
	case f.unseen():
		f.transient = true
	case p.before != "" && (f.status == http.StatusConflict || f.status == http.StatusPreconditionFailed || f.has(transport.TagInvalidErrorCode)):
		f.class = ErrImmutable
	case f.ambiguous():
		return p.settle(ctx, f)
	}
	return f
}

// settle turns a lost answer into success or failure by reading the tag.
func (p *publication) settle(ctx context.Context, lost *failure) error {
	now, err := p.taggedOnce(ctx)
	p.doubt = err != nil
	switch {
	case err != nil:
		return lost
	case now == p.idx.descriptor.Digest:
		return nil
	case now == p.before:
		return lost
	}
	return p.changed(now)
}

// prove reads everything back. The tag is polled as long as it answers with what it had before.
func (p *publication) prove(ctx context.Context) error {
	dgst := p.idx.descriptor.Digest
	doc, err := p.document(ctx, p.reading(dgst, true), dgst.String())
	if err != nil {
		return err
	}
	if err := p.check(ctx, doc); err != nil {
		return err
	}
	var third digest.Digest
	for end := p.now().Add(staleLimit); ; {
		now, err := p.tagged(ctx)
		switch {
		case err != nil:
			return err
		case now == dgst:
			return nil
		case now != p.before && now != "" && now == third:
			return p.explain(ctx, p.task(), p.changed(now))
		case now != p.before && now != "":
			third = now // read again at once: it may have been damaged on its way
			continue
		case !p.now().Before(end):
			return p.explain(ctx, p.task(), &failure{class: ErrStale, cause: fmt.Errorf("for %s: %s", staleLimit, orNothing(now))})
		}
		if err := p.sleep(ctx, stalePoll); err != nil {
			return p.explain(ctx, p.task(), err)
		}
	}
}

// tagged gives the digest that the tag has now, "" if there is no such tag.
func (p *publication) tagged(ctx context.Context) (dgst digest.Digest, err error) {
	t := task{op: "reading", reference: p.target.String()}
	err = p.retry(ctx, t, func(ctx context.Context) error {
		dgst, err = p.taggedOnce(ctx)
		return err
	})
	return dgst, err
}

// taggedOnce takes the digest of the bytes, so that a registry can't just repeat what it was sent in a header. What the
// tag had may be anything, such as an old schema 1 manifest: it is not parsed.
func (p *publication) taggedOnce(ctx context.Context) (digest.Digest, error) {
	a, err := p.do(ctx, request{method: http.MethodGet, kind: "manifests", reference: p.target.Tag()})
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return digest.FromBytes(a.body), nil
}

func (p *publication) changed(now digest.Digest) *failure {
	return &failure{class: ErrChanged, cause: &ChangedError{Published: p.idx.descriptor.Digest, Found: now}}
}

func orNothing(dgst digest.Digest) string {
	if dgst == "" {
		return "no such tag"
	}
	return dgst.String()
}
