package manifest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/distribution/reference"
)

// CheckPush tells whether the user may push to repo, so that a missing login is found before a build and not after it. It
// begins an upload and cancels it; nothing is stored. Failures are an *[Error]; a deadline of ctx that passes is an
// [ErrUnavailable].
func (r *Registry) CheckPush(ctx context.Context, repo reference.Named) error {
	rep := r.repository(repo, true)
	return rep.retry(ctx, task{op: "checking access to", reference: rep.name.Name()}, func(ctx context.Context) error {
		a, err := rep.do(ctx, request{method: http.MethodPost, kind: "blobs", reference: "uploads/"})
		if err == nil {
			rep.cancelUpload(ctx, a.header.Get("Location"))
		}
		return err
	})
}

// cancelUpload is a courtesy that Docker's registry API knows: registries drop abandoned uploads by themselves.
func (r repository) cancelUpload(ctx context.Context, location string) {
	s, err := r.session(ctx)
	if err != nil {
		return
	}
	base := &url.URL{Scheme: s.scheme, Host: s.host}
	u, err := base.Parse(location)
	if err != nil || u.Scheme != base.Scheme || u.Host != base.Host {
		return
	}
	if resp, err := s.send(ctx, u, request{method: http.MethodDelete, kind: "blobs"}); err == nil {
		_ = resp.Body.Close()
	}
}
