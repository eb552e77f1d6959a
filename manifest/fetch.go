package manifest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/mediatype"
)

const maxRedirects = 5

// request is one request of the OCI distribution spec.
type request struct {
	method      string
	kind        string // manifests, blobs or tags
	reference   string // tag, digest, "uploads/" or "list"
	query       string
	contentType string
	body        []byte
	stream      *stream // in place of body
}

// answer is what came back, read to its end.
type answer struct {
	status int
	header http.Header
	length int64 // as told by the header; -1 if it wasn't
	body   []byte
}

// do makes one attempt at req.
func (r repository) do(ctx context.Context, req request) (a answer, err error) {
	parent := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, silentTimeout, fmt.Errorf("%w (%s)", errSilent, silentTimeout))
	defer cancel()
	err = r.loggedIn(ctx, func(s *session) error {
		a, err = s.exchange(ctx, r.name, req)
		return err
	})
	return a, timedOut(parent, ctx, err)
}

// loggedIn calls f with a session. If a login is refused that was accepted before it is renewed, once.
func (r repository) loggedIn(ctx context.Context, f func(*session) error) error {
	for renewed := false; ; renewed = true {
		s, err := r.session(ctx)
		if err != nil {
			return err
		}
		if err = f(s); renewed || !s.expired(err) {
			return err
		}
		if err := r.forget(ctx, s); err != nil {
			return err
		}
	}
}

// expired tells whether err refuses a login that was accepted before.
func (s *session) expired(err error) bool {
	var refused *failure
	return s.accepted.Load() && errors.As(err, &refused) && refused.status == http.StatusUnauthorized
}

// timedOut makes our own time limit a failure like others, which the caller's context ending is not.
func timedOut(parent, ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && parent.Err() == nil {
		return &failure{class: ErrUnavailable, cause: context.Cause(ctx), transient: true}
	}
	return err
}

// exchange sends req with this login and reads the answer.
func (s *session) exchange(ctx context.Context, repo reference.Named, req request) (answer, error) {
	resp, err := s.follow(ctx, repo, req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	return s.read(resp)
}

// follow sends req and follows redirects, which never get the login of another host, scheme or port.
func (s *session) follow(ctx context.Context, repo reference.Named, req request) (*http.Response, error) {
	u := &url.URL{Scheme: s.scheme, Host: s.host, Path: "/v2/" + reference.Path(repo) + "/" + req.kind + "/" + req.reference, RawQuery: req.query}
	for range maxRedirects + 1 {
		resp, err := s.send(ctx, u, req)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode < 300 || resp.StatusCode >= 400 {
			return resp, nil
		}
		_ = resp.Body.Close()
		next, err := resp.Location()
		if err != nil || req.method != http.MethodGet && req.method != http.MethodHead {
			return nil, s.failed(fmt.Errorf("status %d: %w", resp.StatusCode, errRedirect))
		}
		u = next
	}
	return nil, s.failed(fmt.Errorf("more than %d: %w", maxRedirects, errRedirect))
}

func (s *session) send(ctx context.Context, u *url.URL, r request) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, s.failed(err)
	}
	if r.stream != nil {
		r.stream.become(req)
	}
	if r.kind == "manifests" {
		req.Header.Set("Accept", strings.Join(slices.Concat(mediatype.Indexes, mediatype.Manifests), ", "))
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	s.authorize(req)
	resp, err := s.RoundTrip(req)
	if err != nil {
		return nil, s.interrupted(err)
	}
	if resp.StatusCode < 500 && resp.StatusCode != http.StatusUnauthorized && strings.EqualFold(u.Host, s.host) {
		s.accepted.Store(true)
	}
	return resp, nil
}

func (s *session) read(resp *http.Response) (answer, error) {
	if resp.StatusCode >= 400 {
		var status *transport.Error
		if err := transport.CheckError(resp); !errors.As(err, &status) {
			return answer{}, s.interrupted(err)
		}
		return answer{}, s.refused(status, resp.Header.Get("WWW-Authenticate"))
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, s.interrupted(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, length: resp.ContentLength, body: body}, nil
}

// document fetches what a tag or digest of the repository points at.
func (r repository) document(ctx context.Context, t task, ref string) (doc document, err error) {
	err = r.retry(ctx, t, func(ctx context.Context) error {
		doc, err = r.documentOnce(ctx, ref)
		return err
	})
	return doc, err
}

func (r repository) documentOnce(ctx context.Context, ref string) (document, error) {
	a, err := r.do(ctx, request{method: http.MethodGet, kind: "manifests", reference: ref})
	if err != nil {
		return document{}, err
	}
	dgst, byDigest := asDigest(ref)
	if byDigest && !verify(dgst, a.body) {
		return document{}, &failure{class: ErrDigest, cause: fmt.Errorf("the registry sent %s for %s", digest.FromBytes(a.body), dgst)}
	}
	doc, err := parseDocument(a.header.Get("Content-Type"), a.body)
	if err != nil {
		return document{}, &failure{class: ErrInvalid, cause: err}
	}
	if byDigest {
		doc.descriptor.Digest = dgst
	}
	return doc, nil
}

// blob fetches a small blob, such as an image config, and checks it against its descriptor.
func (r repository) blob(ctx context.Context, t task, desc ocispec.Descriptor) (raw []byte, err error) {
	if desc.Size > maxManifest {
		return nil, r.explain(ctx, t, &failure{class: ErrInvalid, cause: fmt.Errorf("%s has %d bytes, more than %d", desc.Digest, desc.Size, maxManifest)})
	}
	err = r.retry(ctx, t, func(ctx context.Context) error {
		a, err := r.do(ctx, request{method: http.MethodGet, kind: "blobs", reference: desc.Digest.String()})
		if err != nil {
			return err
		}
		if int64(len(a.body)) != desc.Size || !verify(desc.Digest, a.body) {
			return &failure{class: ErrDigest, cause: fmt.Errorf("the registry sent %d bytes for %s of %d bytes", len(a.body), desc.Digest, desc.Size)}
		}
		raw = a.body
		return nil
	})
	return raw, err
}

// head asks whether the registry has a blob of this size. It can't tell whether the content is right.
func (r repository) head(ctx context.Context, t task, desc ocispec.Descriptor) error {
	return r.retry(ctx, t, func(ctx context.Context) error { return r.headOnce(ctx, desc) })
}

func (r repository) headOnce(ctx context.Context, desc ocispec.Descriptor) error {
	a, err := r.do(ctx, request{method: http.MethodHead, kind: "blobs", reference: desc.Digest.String()})
	if err == nil && a.length >= 0 && a.length != desc.Size {
		err = &failure{class: ErrDigest, cause: fmt.Errorf("the registry has %d bytes for %s of %d bytes", a.length, desc.Digest, desc.Size)}
	}
	return err
}

func asDigest(ref string) (digest.Digest, bool) {
	dgst, err := digest.Parse(ref)
	return dgst, err == nil
}
