package argument

import (
	"context"
	"io"
	"sync"
)

// Stdin returns what is read from r, standard input, until ctx ends. Nothing can
// end a read from a terminal or a pipe: it is left to itself.
func Stdin(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { _ = in.CloseWithError(context.Cause(ctx)) })
	// Not before it is wanted: it may be for somebody else.
	begin := sync.OnceFunc(func() {
		go func() {
			_, err := io.Copy(in, r)
			_ = in.CloseWithError(err)
		}()
	})
	return readFunc(func(p []byte) (int, error) {
		begin()
		return out.Read(p)
	})
}

type readFunc func(p []byte) (int, error)

// Read implements io.Reader.
func (f readFunc) Read(p []byte) (int, error) { return f(p) }
