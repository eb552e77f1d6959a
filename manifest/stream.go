package manifest

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// sizeKey marks a request whose answer may be larger than a manifest, with the size that it must have.
type sizeKey struct{}

// watchdog ends a context when nothing moved for a while. A blob may take hours, but not in silence.
type watchdog struct {
	timer *time.Timer
	limit time.Duration
}

func watch(ctx context.Context, limit time.Duration) (context.Context, *watchdog, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{limit: limit}
	w.timer = time.AfterFunc(limit, func() { cancel(fmt.Errorf("%w (%s)", errSilent, limit)) })
	return ctx, w, func() {
		w.timer.Stop()
		cancel(nil)
	}
}

func (w *watchdog) moved() { w.timer.Reset(w.limit) }

// stream is a blob on its way through this machine. It is hashed as it passes and never held; only one that is whole and
// right ends without an error.
type stream struct {
	source io.Reader
	want   ocispec.Descriptor
	hash   hash.Hash
	n      int64
	moved  func()

	// net/http may go on reading for a moment after it gave the answer.
	mu  sync.Mutex
	err error // why it ended, io.EOF if well
}

func newStream(source io.Reader, want ocispec.Descriptor, moved func()) *stream {
	return &stream{source: source, want: want, hash: want.Digest.Algorithm().Hash(), moved: moved}
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.source.Read(p)
	if n > 0 {
		s.moved()
		s.n += int64(n)
		s.hash.Write(p[:n])
	}
	switch {
	case s.n > s.want.Size, errors.Is(err, errTooLarge):
		s.err = s.wrong("more than %d bytes", s.want.Size)
	case errors.Is(err, io.EOF) && s.n < s.want.Size:
		s.err = s.wrong("%d bytes instead of %d", s.n, s.want.Size)
	case errors.Is(err, io.EOF) && digest.NewDigest(s.want.Digest.Algorithm(), s.hash) != s.want.Digest:
		s.err = s.wrong("other content")
	default:
		s.err = err
	}
	return n, s.err
}

func (s *stream) wrong(format string, args ...any) error {
	return &failure{class: ErrDigest, cause: fmt.Errorf("the registry sent "+format+" for %s", append(args, s.want.Digest)...)}
}

// finish reads what the transport may have left unread, and tells whether the whole blob passed.
func (s *stream) finish() error {
	_, err := io.Copy(io.Discard, s)
	return err
}

// failed gives the error of the download, if it had one so far.
func (s *stream) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.err, io.EOF) {
		return nil
	}
	return s.err
}

// become makes the blob the body of req. Without a body that can be read again, net/http does not repeat the request.
func (s *stream) become(req *http.Request) {
	req.GetBody = nil
	if s.want.Size == 0 {
		req.Body = http.NoBody
		return
	}
	req.Body, req.ContentLength = io.NopCloser(s), s.want.Size
}
