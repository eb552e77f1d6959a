package manifest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// mount asks the registry to take a blob over from another of its repositories (OCI distribution spec, end-11). It tells
// whether it did; any refusal only means that the blob has to be sent.
func (r repository) mount(ctx context.Context, d ocispec.Descriptor) bool {
	query := url.Values{"mount": {d.Digest.String()}, "from": {r.from}}
	a, err := r.do(ctx, request{method: http.MethodPost, kind: "blobs", reference: "uploads/", query: query.Encode()})
	if err != nil {
		return false
	}
	if a.status == http.StatusCreated {
		return true
	}
	r.cancelUpload(ctx, a.header.Get("Location"))
	return false
}

// relay sends one blob from another repository into this one as it is received, and verifies it on the way: the upload is
// completed only after the last byte was seen to be right.
func (r repository) relay(ctx context.Context, source repository, d ocispec.Descriptor) error {
	begun, err := r.do(ctx, request{method: http.MethodPost, kind: "blobs", reference: "uploads/"})
	if err != nil {
		return err
	}
	location := begun.header.Get("Location")
	parent := ctx
	ctx, w, stop := watch(ctx, silentTimeout)
	defer stop()
	location, err = r.pass(ctx, source, d, location, w)
	if err == nil {
		w.moved()
		err = r.commit(ctx, location, d)
	}
	if err = timedOut(parent, ctx, err); err != nil && parent.Err() == nil {
		r.cancelUpload(parent, location)
	}
	return err
}

// pass connects the download with the upload, and gives the location to complete the upload at.
func (r repository) pass(ctx context.Context, source repository, d ocispec.Descriptor, location string, w *watchdog) (string, error) {
	body, err := source.open(ctx, d)
	if err != nil {
		return location, err
	}
	defer body.Close()
	st := newStream(body, d, w.moved)
	a, err := r.at(ctx, location, request{method: http.MethodPatch, kind: "blobs", contentType: "application/octet-stream", stream: st})
	if failed := st.failed(); failed != nil {
		return location, interruptedStream(ctx, failed)
	}
	if err != nil {
		return location, err
	}
	if next := a.header.Get("Location"); next != "" {
		location = next
	}
	return location, interruptedStream(ctx, st.finish())
}

// interruptedStream sorts an error of the download: what is no finding of ours is the network's.
func interruptedStream(ctx context.Context, err error) error {
	var f *failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return &failure{class: ErrUnavailable, cause: err, transient: true}
}

// open begins the download of a blob of any size.
func (r repository) open(ctx context.Context, d ocispec.Descriptor) (body io.ReadCloser, err error) {
	ctx = context.WithValue(ctx, sizeKey{}, d.Size)
	err = r.loggedIn(ctx, func(s *session) error {
		resp, err := s.follow(ctx, r.name, request{method: http.MethodGet, kind: "blobs", reference: d.Digest.String()})
		if err != nil {
			return err
		}
		if resp.StatusCode >= 400 {
			defer resp.Body.Close()
			_, err := s.read(resp)
			return err
		}
		body = resp.Body
		return nil
	})
	return body, err
}

// commit completes an upload.
func (r repository) commit(ctx context.Context, location string, d ocispec.Descriptor) error {
	u, err := url.Parse(location)
	if err != nil {
		return &failure{class: ErrInvalid, cause: err}
	}
	query := u.Query()
	query.Set("digest", d.Digest.String())
	u.RawQuery = query.Encode()
	_, err = r.at(ctx, u.String(), request{method: http.MethodPut, kind: "blobs", contentType: "application/octet-stream"})
	return err
}

// at sends req to a location that the registry named.
func (r repository) at(ctx context.Context, location string, req request) (a answer, err error) {
	send := func(s *session) error {
		a, err = s.at(ctx, r.name, location, req)
		return err
	}
	if req.stream == nil {
		return a, r.loggedIn(ctx, send)
	}
	s, err := r.session(ctx)
	if err != nil {
		return a, err
	}
	var f *failure
	if err = send(s); s.expired(err) && errors.As(err, &f) {
		f.transient = true // The stream can't be sent twice, so the upload begins anew.
		err = errors.Join(r.forget(ctx, s), f)
	}
	return a, err
}

func (s *session) at(ctx context.Context, repo reference.Named, location string, req request) (a answer, err error) {
	base := &url.URL{Scheme: s.scheme, Host: s.host, Path: "/v2/" + reference.Path(repo) + "/blobs/uploads/"}
	u, err := base.Parse(location)
	if err != nil || location == "" {
		return a, &failure{class: ErrInvalid, cause: errors.New("the registry gives no location for an upload")}
	}
	resp, err := s.send(ctx, u, req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	if a, err = s.read(resp); err == nil && a.status >= 300 {
		return a, s.failed(errRedirect)
	}
	var f *failure
	if errors.As(err, &f) && f.has(transport.BlobUploadUnknownErrorCode, transport.BlobUploadInvalidErrorCode) {
		f.transient = true // registries of several replicas forget uploads
	}
	return a, err
}
