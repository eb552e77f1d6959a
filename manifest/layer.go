package manifest

import (
	"context"
	"io"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Layer opens a layer of an image in repository repo, as it is stored. It is checked against its descriptor as it is read;
// who reads on to its end has read what the digest says. The caller closes it. Failures are an *[Error].
func (r *Registry) Layer(ctx context.Context, repo reference.Named, layer ocispec.Descriptor) (io.ReadCloser, error) {
	in := r.repository(repo, false)
	t := in.reading(layer.Digest, false)
	var reader *layerReader
	err := in.retry(ctx, t, func(ctx context.Context) (err error) {
		reader, err = in.layer(ctx, t, layer)
		return err
	})
	if err != nil {
		return nil, err
	}
	return reader, nil
}

// layer makes one attempt at a layer. The registry's silence counts from now on: to wait for an attempt is none.
func (r repository) layer(parent context.Context, t task, layer ocispec.Descriptor) (*layerReader, error) {
	ctx, w, stop := watch(parent, silentTimeout)
	body, err := r.open(ctx, layer)
	if err != nil {
		defer stop()
		return nil, timedOut(parent, ctx, err)
	}
	return &layerReader{
		stream:  newStream(body, layer, w.moved),
		explain: func(err error) error { return r.explain(parent, t, timedOut(parent, ctx, err)) },
		close: func() error {
			defer stop()
			return body.Close()
		},
	}, nil
}

// layerReader is a layer on its way, whose errors say of what they are.
type layerReader struct {
	*stream

	explain func(error) error
	close   func() error
}

// Read implements io.Reader.
func (l *layerReader) Read(p []byte) (int, error) {
	n, err := l.stream.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // as io.Reader gives it
		err = l.explain(err)
	}
	return n, err
}

// Close implements io.Closer.
func (l *layerReader) Close() error { return l.close() }
