//go:build e2e

package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// fault answers a request in the registry's place, or lets it pass with false.
type fault func(w http.ResponseWriter, r *http.Request) bool

// front stands before the open registry, under an address of its own: it writes down what engines and product ask for, and answers
// in the registry's place when it is told to.
type front struct {
	*oracle.Journal

	address string // host:port, for references.
	fault   atomic.Pointer[fault]
}

// newFront is a front on loopback, where the engines find it too.
func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{}
	f.Journal = oracle.NewJournal(f.upstream(t))
	f.address = listen(t, "127.0.0.1", nil, f)
	return f
}

// newTLSFront is a front on an address that is not loopback, with a certificate of an authority that nobody trusts yet; file has
// that authority.
func newTLSFront(t *testing.T) (f *front, file string) {
	t.Helper()
	f = &front{}
	f.Journal = oracle.NewJournal(f.upstream(t))
	host := hostAddress(t)
	certificate, authority := certify(t, host)
	file = filepath.Join(t.TempDir(), "ca.crt")
	assert.NilError(t, os.WriteFile(file, authority, 0o600))
	f.address = listen(t, host, &tls.Config{Certificates: []tls.Certificate{certificate}}, f)
	return f, file
}

// upstream is where the journal sends requests: to the fault, and from there to the registry. So the journal also has those that
// never reach the registry.
func (f *front) upstream(t *testing.T) string {
	t.Helper()
	target, err := url.Parse("http://" + farm.registry)
	assert.NilError(t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // The registry makes its Location from it.
			r.SetXForwarded()
			if r.In.Header.Get("X-Forwarded-Proto") != "" {
				r.Out.Header["X-Forwarded-Proto"] = r.In.Header["X-Forwarded-Proto"]
			}
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	return "http://" + listen(t, "127.0.0.1", nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := f.fault.Load(); fault == nil || !(*fault)(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
}

// breakWith makes the front answer some requests itself from now on.
func (f *front) breakWith(with fault) { f.fault.Store(&with) }

// refuse answers with status what matches.
func refuse(status int, match func(*http.Request) bool) fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !match(r) {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body)
		http.Error(w, "the test refuses", status)
		return true
	}
}

// stall answers nothing until the test ends, and tells of each request.
func stall(t *testing.T, asked chan<- struct{}) fault {
	t.Helper()
	return func(_ http.ResponseWriter, r *http.Request) bool {
		asked <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-t.Context().Done():
		}
		return true
	}
}

// putOf matches the PUT of a tag.
func putOf(tag string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/"+tag)
	}
}

// times lets a match count for the first n requests only.
func times(n int64, match func(*http.Request) bool) func(*http.Request) bool {
	var seen atomic.Int64
	return func(r *http.Request) bool { return match(r) && seen.Add(1) <= n }
}

// writes counts the requests that would change something in a registry.
func (f *front) writes() (writes []string) {
	for _, r := range f.Requests() {
		// An upload that is begun and cancelled only asks: may I push?
		if strings.Contains(r.Path, "/blobs/uploads/") && (r.Method == http.MethodPost || r.Method == http.MethodDelete) {
			continue
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			writes = append(writes, r.Method+" "+r.Path)
		}
	}
	return writes
}

// manifestPuts are the PUTs of manifests, in the order of their arrival.
func (f *front) manifestPuts() (puts []oracle.Request) {
	for _, r := range f.Requests() {
		if r.Method == http.MethodPut && strings.Contains(r.Path, "/manifests/") {
			puts = append(puts, r)
		}
	}
	return puts
}

// listen serves until the test ends.
func listen(t *testing.T, host string, config *tls.Config, handler http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	assert.NilError(t, err)
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener, server.TLS = listener, config
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if config != nil {
		// Registries learn here that their own address begins with https.
		server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("X-Forwarded-Proto", "https")
			handler.ServeHTTP(w, r)
		})
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return listener.Addr().String()
}

// hostAddress is this machine's address on the farm's own network, where no client makes the exceptions of loopback.
func hostAddress(t *testing.T) string {
	t.Helper()
	conn, err := net.Dial("udp", farm.private)
	assert.NilError(t, err)
	defer conn.Close()
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	assert.NilError(t, err)
	return host
}

// certify makes an authority and a certificate of it for an address.
func certify(t *testing.T, address string) (certificate tls.Certificate, authority []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NilError(t, err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "e2e authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	signed, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	assert.NilError(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "e2e registry"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP(address)},
	}
	raw, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
	assert.NilError(t, err)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
}
