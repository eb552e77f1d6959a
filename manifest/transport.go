package manifest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

const (
	maxToken     = 1 << 20  // bytes of an answer that is neither manifest nor blob
	maxErrorBody = 64 << 10 // bytes that are read of an error's body

	readTimeout   = 30 * time.Second  // until the headers of an answer to GET or HEAD are in
	silentTimeout = 120 * time.Second // until a whole answer is in
)

var (
	errPlainHTTP = errors.New("plain http is allowed for loopback and for hosts named as insecure only")
	errScheme    = errors.New("the registry sends us to what is not https")
	errAddress   = errors.New("the registry sends us to an address that is not its to name")
	errSilent    = errors.New("no answer in time")
	errTooLarge  = errors.New("answer too large")
	errRedirect  = errors.New("redirect not followed")
)

// guard is the one way out: every request of a session goes through it, those of go-containerregistry's ping and token
// exchange included. It holds the rules that must hold whatever a registry answers.
type guard struct {
	r    *Registry
	host string // the session's registry
}

// RoundTrip implements http.RoundTripper.
func (g guard) RoundTrip(in *http.Request) (*http.Response, error) {
	if in.URL.Scheme != "https" && in.URL.Scheme != "http" {
		return nil, fmt.Errorf("%q: %w", in.URL.Scheme, errScheme)
	}
	if in.URL.Scheme == "http" && !g.r.plainAllowed(in.Context(), in.URL.Host) {
		return nil, fmt.Errorf("%s: %w", in.URL.Host, errPlainHTTP)
	}
	// [session.follow] follows redirects. go-containerregistry follows those of a token server too, and the password would go along.
	if in.Response != nil && in.Response.Request.URL.Path != "/v2/" {
		return nil, errRedirect
	}
	ctx, cancel := context.WithCancelCause(in.Context())
	if !strings.EqualFold(in.URL.Host, g.host) && !isLoopback(hostname(g.host)) {
		if ip, err := netip.ParseAddr(hostname(in.URL.Host)); err == nil && !foreignAllowed(ip) {
			cancel(nil)
			return nil, fmt.Errorf("%s: %w", in.URL.Host, errAddress)
		}
		if !g.proxied(in) {
			ctx = context.WithValue(ctx, foreignKey{}, true)
		}
	}
	out := in.Clone(ctx)
	out.Header.Set("User-Agent", g.r.agent)
	resp, err := g.dispatch(out, cancel)
	if err != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
			err = cause
		}
		cancel(nil)
		return nil, err
	}
	if h, ok := in.Context().Value(hintKey{}).(*hint); ok {
		h.note(resp)
	}
	body := &boundedBody{ReadCloser: resp.Body, left: bodyLimit(resp), cancel: cancel}
	if body.truncate = resp.StatusCode >= 400; !body.truncate {
		body.left++ // one byte more tells too large from just large enough
	}
	resp.Body = body
	return resp, nil
}

// dispatch gives up on a registry that sends no headers. An upload takes as long as its bytes move: see [watchdog].
func (g guard) dispatch(out *http.Request, cancel context.CancelCauseFunc) (*http.Response, error) {
	limit := silentTimeout
	if out.Method == http.MethodGet || out.Method == http.MethodHead {
		limit = readTimeout
	}
	if out.Method != http.MethodPatch {
		timer := time.AfterFunc(limit, func() { cancel(fmt.Errorf("%w (%s)", errSilent, limit)) })
		defer timer.Stop()
	}
	if t := g.r.attached[out.URL.Host]; t != nil {
		return t.RoundTrip(out)
	}
	if g.r.insecure[strings.ToLower(out.URL.Host)] {
		return g.r.lax.RoundTrip(out)
	}
	return g.r.base.RoundTrip(out)
}

// proxied tells whether a proxy will resolve the host, so that the address that is dialled says nothing about it.
func (g guard) proxied(req *http.Request) bool {
	t, ok := g.r.base.(*http.Transport)
	if !ok || t.Proxy == nil {
		return false
	}
	proxy, err := t.Proxy(req)
	return err == nil && proxy != nil
}

// bodyLimit gives the bytes that an answer may have.
func bodyLimit(resp *http.Response) int64 {
	size, known := resp.Request.Context().Value(sizeKey{}).(int64)
	switch {
	case resp.StatusCode >= 400:
		return maxErrorBody
	case known:
		return size
	case strings.Contains(resp.Request.URL.Path, "/manifests/"), strings.Contains(resp.Request.URL.Path, "/blobs/"):
		return maxManifest
	}
	return maxToken
}

// boundedBody ends when left bytes were read: silently if it is only an explanation, else with an error.
type boundedBody struct {
	io.ReadCloser
	left     int64
	truncate bool
	cancel   context.CancelCauseFunc
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 && b.truncate {
		return 0, io.EOF
	}
	if b.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}

// Close implements io.Closer.
func (b *boundedBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

type foreignKey struct{}

// controlDial looks at the address that a name resolved to, for requests to another host than the registry (a token
// server, a storage service): their names come from the registry, which must not make us talk to this machine or to a
// cloud's metadata service.
func controlDial(ctx context.Context, _, address string, _ syscall.RawConn) error {
	if ctx.Value(foreignKey{}) == nil {
		return nil
	}
	if ip, err := netip.ParseAddrPort(address); err == nil && !foreignAllowed(ip.Addr()) {
		return fmt.Errorf("%s: %w", address, errAddress)
	}
	return nil
}

// foreignAllowed leaves private networks open: that is where token servers and storage of a private registry are.
func foreignAllowed(ip netip.Addr) bool {
	ip = ip.Unmap()
	return !ip.IsLoopback() && !ip.IsUnspecified() && !ip.IsMulticast() && !ip.IsLinkLocalUnicast() &&
		ip.WithZone("") != netip.MustParseAddr("fd00:ec2::254")
}

func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
