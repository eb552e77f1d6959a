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
	var (
		body    io.ReadCloser
		w       *watchdog
		watched context.Context
		stop    context.CancelFunc
	)
	err := in.retry(ctx, t, func(ctx context.Context) (err error) {
		watched, w, stop = watch(ctx, silentTimeout) // not before: waiting for the next attempt is no silence
		if body, err = in.open(watched, layer); err != nil {
			err = timedOut(ctx, watched, err)
			stop()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &layerReader{
		stream:  newStream(body, layer, w.moved),
		explain: func(err error) error { return in.explain(ctx, t, timedOut(ctx, watched, err)) },
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
