package manifest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Transferred counts the blobs of a [Registry.Transfer].
type Transferred struct {
	Present int   // the repository had them
	Mounted int   // the registry took them over from another of its repositories
	Sent    int   // they went through this machine
	Bytes   int64 // of those sent
}

// Transfer puts the manifests descs of repository from, and everything they refer to, into repository to, under the same
// digests. No tag is touched. Within one registry blobs are mounted, where it allows that; others are passed on as they
// are received: one is never held as a whole, and is verified before the registry keeps it. Layers that registries don't
// hold stay where they are. Failures are an *[Error].
func (r *Registry) Transfer(ctx context.Context, from, to reference.Named, descs []ocispec.Descriptor) (Transferred, error) {
	t := r.newTransfer(from, to)
	if t.same() {
		return Transferred{}, nil
	}
	content, err := t.source.tree(ctx, descs, false)
	if err != nil {
		return Transferred{}, err
	}
	return t.carry(ctx, content)
}

// transfer carries content from one repository into another.
type transfer struct {
	source, sink, mounting repository

	mu   sync.Mutex
	done Transferred
}

func (r *Registry) newTransfer(from, to reference.Named) *transfer {
	t := &transfer{source: r.repository(from, false), sink: r.repository(to, true)}
	if t.source.host() == t.sink.host() {
		t.mounting = t.sink
		t.mounting.from = reference.Path(t.source.name)
	}
	return t
}

func (t *transfer) same() bool { return t.source.name.Name() == t.sink.name.Name() }

// carry sends blobs first and an index last, so that nothing ever refers to what isn't there.
func (t *transfer) carry(ctx context.Context, content tree) (Transferred, error) {
	g, gctx := group(ctx)
	for _, d := range content.blobs.all {
		g.Go(func() error { return t.blob(gctx, d) })
	}
	err := g.Wait()
	for _, level := range slices.Backward(content.levels) {
		if err != nil {
			break
		}
		g, gctx := group(ctx)
		for _, doc := range level {
			g.Go(func() error { return t.manifest(gctx, doc) })
		}
		err = g.Wait()
	}
	return t.done, err
}

func (t *transfer) copying(d ocispec.Descriptor) task {
	return task{op: "copying", reference: t.sink.name.Name() + "@" + d.Digest.String()}
}

func (t *transfer) blob(ctx context.Context, d ocispec.Descriptor) error {
	return t.sink.retry(ctx, t.copying(d), func(ctx context.Context) error {
		err := t.sink.headOnce(ctx, d)
		if err == nil {
			t.count(func(n *Transferred) { n.Present++ })
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		if t.mounting.from != "" && t.mounting.mount(ctx, d) {
			t.count(func(n *Transferred) { n.Mounted++ })
			return nil
		}
		if err := t.sink.relay(ctx, t.source, d); err != nil {
			return err
		}
		t.count(func(n *Transferred) { n.Sent, n.Bytes = n.Sent+1, n.Bytes+d.Size })
		return nil
	})
}

func (t *transfer) count(f func(*Transferred)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.done)
}

// manifest puts a manifest under its digest, unless it is there.
func (t *transfer) manifest(ctx context.Context, doc document) error {
	return t.sink.retry(ctx, t.copying(doc.descriptor), func(ctx context.Context) error {
		_, err := t.sink.documentOnce(ctx, doc.descriptor.Digest.String())
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		return t.sink.putOnce(ctx, doc.descriptor.Digest.String(), doc)
	})
}

// putOnce stores a manifest. The registry may not see yet what it was sent before.
func (r repository) putOnce(ctx context.Context, ref string, doc document) error {
	_, err := r.do(ctx, request{
		method: http.MethodPut, kind: "manifests", reference: ref,
		contentType: doc.descriptor.MediaType, body: doc.raw,
	})
	var f *failure
	if errors.As(err, &f) && f.unseen() {
		f.transient = true
	}
	return err
}
