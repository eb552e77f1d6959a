package manifest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/retry"
)

func newTLSServer(t *testing.T) *server {
	t.Helper()
	s := newUnstarted()
	s.StartTLS()
	t.Cleanup(s.Close)
	s.put(t, "app/manifests/1", ocispec.MediaTypeImageIndex, []byte(old))
	return s
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	s := newTLSServer(t)
	r, c := client(t, nil)
	_, _, err := r.Resolve(t.Context(), s.ref(t, "app:1"))
	assert.ErrorIs(t, err, ErrCertificate)
	assert.ErrorContains(t, err, "unknown authority")
	assert.Equal(t, len(c.waits), 0, "trying again doesn't help")

	r, _ = client(t, nil, WithInsecure("other.example"))
	_, _, err = r.Resolve(t.Context(), s.ref(t, "app:1"))
	assert.ErrorIs(t, err, ErrCertificate, "one insecure host doesn't open the others")

	r, _ = client(t, nil, WithInsecure(s.host()))
	_, _, err = r.Resolve(t.Context(), s.ref(t, "app:1"))
	assert.NilError(t, err)

	r, _ = client(t, nil, WithTransport(s.Client().Transport))
	_, _, err = r.Resolve(t.Context(), s.ref(t, "app:1"))
	assert.NilError(t, err)

	// The right authority, for another name.
	tr := s.Client().Transport.(*http.Transport).Clone()
	tr.TLSClientConfig.ServerName = "registry.example"
	r, _ = client(t, nil, WithTransport(tr))
	_, _, err = r.Resolve(t.Context(), s.ref(t, "app:1"))
	assert.ErrorIs(t, err, ErrCertificate)
}

// transportFunc answers in place of a network.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func respond(req *http.Request, status int, body io.Reader) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body), Request: req, ContentLength: -1}
}

// endless is a body without end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	e.read += len(p)
	return len(p), nil
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	ref, err := reference.ParseNamed("r.example/app:1")
	assert.NilError(t, err)
	for _, c := range []struct {
		name   string
		path   string
		status int
		limit  int
		want   error
	}{
		{"manifest", "/manifests/", 200, maxManifest, ErrInvalid},
		{"error", "/manifests/", 404, maxErrorBody, ErrNotFound},
		{"ping", "/v2/", 200, maxToken, ErrInvalid},
		{"ping error", "/v2/", 403, maxErrorBody, ErrUnauthorized},
	} {
		body := &endless{}
		r, clock := client(t, nil, WithTransport(transportFunc(func(req *http.Request) (*http.Response, error) {
			if strings.HasPrefix(req.URL.Path, c.path) || strings.Contains(req.URL.Path, c.path) && c.path != "/v2/" {
				return respond(req, c.status, body), nil
			}
			return respond(req, 200, strings.NewReader("")), nil
		})))
		_, _, err := r.Resolve(t.Context(), ref)
		assert.ErrorIs(t, err, c.want, c.name)
		// The ping, and a manifest with it in the cases of the ping, read no more than their limits.
		assert.Assert(t, body.read <= c.limit+maxManifest+2 && body.read >= c.limit, "%s: %d", c.name, body.read)
		assert.Equal(t, len(clock.waits), 0, c.name)
	}
}

func TestAManifestOfTheFullSizeIsRead(t *testing.T) {
	t.Parallel()
	ref, err := reference.ParseNamed("r.example/app:1")
	assert.NilError(t, err)
	raw := old + strings.Repeat(" ", maxManifest-len(old))
	r, _ := client(t, nil, WithTransport(transportFunc(func(req *http.Request) (*http.Response, error) {
		resp := respond(req, 200, strings.NewReader(raw))
		resp.Header.Set("Content-Type", ocispec.MediaTypeImageIndex)
		return resp, nil
	})))
	desc, _, err := r.Resolve(t.Context(), ref)
	assert.NilError(t, err)
	assert.Equal(t, desc.Size, int64(maxManifest))
}

func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	for host, allowed := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:5000": true, "127.9.9.9": true, "[::1]:5000": true,
		"10.0.0.5:5000": false, "192.168.1.2:5000": false, "172.16.0.1": false, "r.local:5000": false, "r.localhost.example": false,
		"r.example": false, "lan.example:5000": true, "LAN.example:5000": true, "lan.example": false, "engine.example:5000": true, "engine.example": false,
	} {
		var schemes []string
		listed := WithPlain(func(_ context.Context, host string) bool { return host == "engine.example:5000" })
		r, _ := client(t, nil, WithInsecure("lan.example:5000"), listed, WithTransport(transportFunc(func(req *http.Request) (*http.Response, error) {
			schemes = append(schemes, req.URL.Scheme)
			if req.URL.Scheme == "https" {
				return nil, http.ErrSchemeMismatch
			}
			return respond(req, 404, strings.NewReader("")), nil
		})))
		ref, err := reference.WithName(host + "/app")
		if err != nil { // a reference has its host in any case, a name with the default one hasn't
			ref, err = reference.ParseNamed(host + "/app")
		}
		assert.NilError(t, err, host)
		_, _, err = r.Resolve(t.Context(), ref)
		assert.Equal(t, errors.Is(err, ErrNotFound), allowed, "%s: %v", host, err)
		assert.Equal(t, errors.Is(err, ErrUnavailable), !allowed, "%s: %v", host, err)
		if !allowed {
			assert.DeepEqual(t, schemes, []string{"https"})
			assert.ErrorIs(t, err, http.ErrSchemeMismatch, host)
		}
	}
}

func TestARedirectDoesNotLeadToPlainHTTP(t *testing.T) {
	t.Parallel()
	ref, err := reference.ParseNamed("r.example/app:1")
	assert.NilError(t, err)
	for _, location := range []string{"http://r.example/x", "http://other.example/x", "https://127.0.0.1/x", "https://169.254.169.254/x", "https://[::ffff:127.0.0.1]/x"} {
		r, c := client(t, user().lookup, WithTransport(transportFunc(func(req *http.Request) (*http.Response, error) {
			assert.Check(t, req.URL.Host == "r.example" && req.URL.Scheme == "https", "%s", req.URL)
			if req.URL.Path == "/v2/" {
				return respond(req, 200, strings.NewReader("")), nil
			}
			resp := respond(req, 307, strings.NewReader(""))
			resp.Header.Set("Location", location)
			return resp, nil
		})))
		_, _, err := r.Resolve(t.Context(), ref)
		assert.ErrorIs(t, err, ErrUnavailable, location)
		assert.Equal(t, len(c.waits), 0, location)
	}
}

func TestControlDial(t *testing.T) {
	t.Parallel()
	foreign := context.WithValue(t.Context(), foreignKey{}, true)
	for address, allowed := range map[string]bool{
		"127.0.0.1:443": false, "[::1]:443": false, "[::ffff:127.0.0.1]:443": false, "169.254.169.254:80": false, "[fe80::1%eth0]:443": false,
		"0.0.0.0:443": false, "[::ffff:0.0.0.0]:443": false, "[::]:443": false, "224.0.0.1:443": false, "[fd00:ec2::254]:80": false,
		"10.1.2.3:443": true, "192.168.1.1:443": true, "[fd00::1]:443": true, "93.184.216.34:443": true,
	} {
		assert.NilError(t, controlDial(t.Context(), "tcp", address, nil), "the registry itself may be anywhere")
		assert.Equal(t, controlDial(foreign, "tcp", address, nil) == nil, allowed, address)
	}
	assert.Assert(t, !foreignAllowed(netip.MustParseAddr("::ffff:169.254.169.254")))
}

// The check of addresses must see the names that a registry gives, through the real dialer.
func TestANameThatLeadsToThisMachine(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r, _ := client(t, nil, WithInsecure("r.example", "localhost:"+strings.Split(s.host(), ":")[1]))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:"+strings.Split(s.host(), ":")[1]+"/v2/", nil)
	assert.NilError(t, err)
	_, err = guard{r, "r.example"}.RoundTrip(req)
	assert.ErrorIs(t, err, errAddress)
	resp, err := guard{r, "127.0.0.1"}.RoundTrip(req)
	assert.NilError(t, err)
	_ = resp.Body.Close()
}

func TestSilence(t *testing.T) {
	t.Parallel()
	ref, err := reference.ParseNamed("r.example/app:1")
	assert.NilError(t, err)
	for name, silent := range map[string]func(*http.Request) (*http.Response, error){
		"no headers": func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		},
		"a byte now and then": func(req *http.Request) (*http.Response, error) {
			return respond(req, 200, readerFunc(func(p []byte) (int, error) {
				p[0] = ' '
				return 1, retry.Sleep(req.Context(), 10*time.Second)
			})), nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			attempts := 0
			r := New(nil, WithTransport(transportFunc(func(req *http.Request) (*http.Response, error) {
				if req.URL.Path == "/v2/" {
					return respond(req, 200, strings.NewReader("")), nil
				}
				attempts++
				return silent(req)
			})), WithNotify(func(retry Retry) {
				assert.Check(t, errors.Is(retry.Err, ErrUnavailable) && retry.Attempt == attempts)
			}))
			start := time.Now()
			_, _, err := r.Resolve(t.Context(), ref)
			assert.ErrorIs(t, err, ErrUnavailable)
			assert.ErrorIs(t, err, errSilent)
			assert.Assert(t, !errors.Is(err, context.DeadlineExceeded), "the caller set no limit")
			assert.Equal(t, attempts, retry.Attempts)
			limit := retry.Attempts*silentTimeout + time.Minute
			if name == "no headers" {
				limit = retry.Attempts*readTimeout + time.Minute
			}
			assert.Assert(t, time.Since(start) <= limit, "%s: %s", name, time.Since(start))
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
