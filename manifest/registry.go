package manifest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/distribution/reference"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/retry"
)

// parallel is how many requests one operation has under way.
const parallel = 8

// Registry is a client of any number of registries. It keeps one pool of connections, and one login for each repository
// and access (pull, or pull and push), which is taken at the first use and renewed when the registry refuses it. It is
// safe for concurrent use.
type Registry struct {
	creds    Credentials
	base     http.RoundTripper // checks certificates
	lax      http.RoundTripper // does not; for insecure hosts only
	agent    string
	insecure map[string]bool
	plain    func(ctx context.Context, host string) bool
	notify   func(Retry)
	attached map[string]http.RoundTripper // hosts that are no place in the network

	now   func() time.Time
	sleep func(context.Context, time.Duration) error

	mu       sync.Mutex
	sessions map[sessionKey]*slot
}

// Option changes a [Registry] that is being made.
type Option func(*Registry)

// New makes a Registry that logs in with creds; nil is anonymous everywhere. Its own transport takes the proxy from the
// environment, as net/http's default does.
func New(creds Credentials, opts ...Option) *Registry {
	r := &Registry{
		creds:    creds,
		base:     newTransport(),
		agent:    "docker-multiarch",
		insecure: map[string]bool{},
		attached: map[string]http.RoundTripper{},
		now:      time.Now,
		sleep:    retry.Sleep,
		sessions: map[sessionKey]*slot{},
	}
	for _, o := range opts {
		o(r)
	}
	r.lax = withoutVerification(r.base)
	return r
}

// WithTransport replaces the transport below login, bounds and redirects. Time limits for connecting and the check of the
// resolved addresses are then the transport's own.
func WithTransport(t http.RoundTripper) Option { return func(r *Registry) { r.base = t } }

// WithUserAgent sets the User-Agent header of all requests.
func WithUserAgent(agent string) Option { return func(r *Registry) { r.agent = agent } }

// WithInsecure allows plain http, and TLS with any certificate, for hosts: each a host[:port] as it stands in a
// reference. Loopback addresses need no such permission for plain http; all others do, private networks included.
func WithInsecure(hosts ...string) Option {
	return func(r *Registry) {
		for _, h := range hosts {
			r.insecure[strings.ToLower(h)] = true
		}
	}
}

// WithPlain has allowed say of a host that does not speak TLS whether plain http will do. It is asked for no other, and may
// take its time; that TLS works but is not trusted is never overlooked. It can be called by several goroutines at once.
func WithPlain(allowed func(ctx context.Context, host string) bool) Option {
	return func(r *Registry) { r.plain = allowed }
}

// WithNotify calls f before each wait for another attempt. f can be called by several goroutines at once.
func WithNotify(f func(Retry)) Option { return func(r *Registry) { r.notify = f } }

// Attach has t answer for host, which no login is looked up for: what is not in the network, such as an OCI layout, takes
// part as a registry does. It must be called before the first request.
func (r *Registry) Attach(host string, t http.RoundTripper) { r.attached[host] = t }

// newTransport has the time limits of the contract; those for whole answers are in transport.go.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, ControlContext: controlDial}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   parallel,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

func withoutVerification(base http.RoundTripper) http.RoundTripper {
	t, ok := base.(*http.Transport)
	if !ok {
		return base
	}
	t = t.Clone()
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.TLSClientConfig.InsecureSkipVerify = true // used only for the hosts that the user named as insecure
	return t
}

// plainAllowed tells whether host[:port] may be spoken to without TLS.
func (r *Registry) plainAllowed(ctx context.Context, host string) bool {
	return r.insecure[strings.ToLower(host)] || isLoopback(hostname(host)) || r.plain != nil && r.plain(ctx, host)
}

// repository is a repository together with the access that is wanted.
type repository struct {
	*Registry
	name reference.Named // without tag and digest
	push bool
	from string // path of a repository of the same registry to mount blobs from; "" for none
}

func (r *Registry) repository(name reference.Named, push bool) repository {
	return repository{Registry: r, name: reference.TrimNamed(name), push: push}
}

func (r repository) host() string { return reference.Domain(r.name) }

// group runs functions concurrently, but no more of them than one operation may.
func group(ctx context.Context) (*errgroup.Group, context.Context) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	return g, ctx
}
