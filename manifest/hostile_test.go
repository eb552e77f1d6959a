package manifest

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/distribution/reference"
	"gotest.tools/v3/assert"
)

// hostile is a registry, r.example, that answers what a fuzzer thinks of. It fails the test when something reaches a place that it must
// not reach, or a secret one that it is not for.
type hostile struct {
	t      *testing.T
	answer func(*http.Request) *http.Response
	asked  int
}

// RoundTrip implements http.RoundTripper. It stands in the place of the network.
func (h *hostile) RoundTrip(req *http.Request) (*http.Response, error) {
	h.asked++
	if req.URL.Scheme != "https" {
		h.t.Errorf("%s without TLS", req.URL)
	}
	if ip, err := netip.ParseAddr(req.URL.Hostname()); err == nil && (ip.Unmap().IsLoopback() || ip.Unmap().IsLinkLocalUnicast() || ip.IsUnspecified()) {
		h.t.Errorf("%s is no place that a registry may send us to", req.URL)
	}
	if strings.HasPrefix(req.Header.Get("Authorization"), "Bearer") && !strings.EqualFold(req.URL.Host, "r.example") {
		h.t.Errorf("a token for r.example goes to %s", req.URL.Host)
	}
	return h.answer(req), nil
}

func (h *hostile) client() *Registry {
	h.t.Helper()
	r, _ := client(h.t, user().lookup, WithTransport(h))
	return r
}

func hostileRef(t *testing.T) reference.NamedTagged {
	t.Helper()
	ref, err := reference.ParseNamed("r.example/app:1")
	assert.NilError(t, err)
	return ref.(reference.NamedTagged)
}

// FuzzChallenge has a registry name token servers: the password goes to none without TLS, nor to one that the first one sends it to,
// and is in no message.
func FuzzChallenge(f *testing.F) {
	for _, challenge := range []string{
		`Bearer realm="https://auth.example/token",service="s",scope="repository:app:pull"`, `Bearer realm="http://auth.example/token"`,
		`Bearer realm="https://169.254.169.254/latest"`, `Bearer realm="https://[::ffff:127.0.0.1]/"`, `Basic realm="r.example"`,
		`Bearer realm="https://u:p@auth.example:443/?a=b#c", Basic realm="x"`, `Bearer`, `bearer realm=`, "Negotiate\x00", `Bearer realm="//x"`,
		`Bearer realm="https://r.example/v2/"`, `Bearer realm="file:///etc/passwd"`, `Bearer realm="https://0/token"`, `Bearer realm="https://2130706433/"`,
	} {
		f.Add(challenge, "https://elsewhere.example/token")
	}
	f.Fuzz(func(t *testing.T, challenge, next string) {
		registry := ""
		h := &hostile{t: t}
		h.answer = func(req *http.Request) *http.Response {
			_, password, _ := req.BasicAuth()
			switch {
			case req.URL.Path == "/v2/" && req.Header.Get("Authorization") == "":
				resp := respond(req, http.StatusUnauthorized, strings.NewReader(""))
				resp.Header["Www-Authenticate"] = []string{challenge}
				return resp
			case password == canary && registry == "":
				registry = req.URL.Host // The registry's word for it, which nobody can check; but then no other.
			case password == canary && req.URL.Host != registry:
				t.Errorf("the password goes on to %s", req.URL.Host)
			}
			resp := respond(req, http.StatusTemporaryRedirect, strings.NewReader(`{"token":"t"}`))
			resp.Header["Location"] = []string{next}
			return resp
		}
		_, _, err := h.client().Resolve(t.Context(), hostileRef(t))
		assert.Assert(t, err != nil && !strings.Contains(err.Error(), canary), "%v", err)
	})
}

// FuzzRedirect has a registry send us on, and name the place of an upload.
func FuzzRedirect(f *testing.F) {
	for _, location := range []string{
		"https://storage.example/blob?X-Amz-Signature=s", "http://r.example/", "/v2/app/manifests/1", "//127.0.0.1/", "https://[fe80::1%25eth0]/",
		"https://r.example:444/x", "HTTPS://R.EXAMPLE/y", "https://r.example@evil.example/", "", "\x00", "https://0.0.0.0/", "https://169.254.169.254/", "gopher://r.example/",
	} {
		f.Add(location, 307)
	}
	f.Fuzz(func(t *testing.T, location string, status int) {
		h := &hostile{t: t}
		h.answer = func(req *http.Request) *http.Response {
			switch {
			case req.URL.Path == "/v2/" && req.URL.Host == "r.example" && req.Header.Get("Authorization") == "":
				resp := respond(req, http.StatusUnauthorized, strings.NewReader(""))
				resp.Header.Set("Www-Authenticate", `Bearer realm="https://auth.example/token"`)
				return resp
			case req.URL.Host == "auth.example" && req.URL.Path == "/token":
				return respond(req, http.StatusOK, strings.NewReader(`{"token":"t"}`))
			}
			resp := respond(req, 200+max(status, -status)%200, strings.NewReader(""))
			resp.Header["Location"] = []string{location}
			return resp
		}
		r := h.client()
		_, _, err := r.Resolve(t.Context(), hostileRef(t))
		assert.Assert(t, err != nil)
		assert.Assert(t, h.asked <= 6*(2+maxRedirects+1), "%d requests", h.asked)
		_ = r.CheckPush(t.Context(), hostileRef(t))
	})
}

// FuzzRefusal has a registry say no in its own words, and how long to wait.
func FuzzRefusal(f *testing.F) {
	f.Add(403, `{"errors":[{"code":"DENIED","message":"no\u001b[2J","detail":{"a":1}}]}`, "1")
	f.Add(429, `<html>`, time.Now().Format(http.TimeFormat))
	f.Add(500, `{"errors":[]}`, "-1")
	f.Add(404, `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}`, "99999999999999999999")
	f.Add(401, "\xff\u202e", "0x10")
	f.Fuzz(func(t *testing.T, status int, body, wait string) {
		h := &hostile{t: t}
		h.answer = func(req *http.Request) *http.Response {
			if req.URL.Path == "/v2/" {
				return respond(req, http.StatusOK, strings.NewReader(""))
			}
			resp := respond(req, 400+max(status, -status)%200, io.LimitReader(strings.NewReader(body), maxErrorBody))
			resp.Header["Retry-After"] = []string{wait}
			return resp
		}
		r := h.client()
		r.sleep = func(_ context.Context, d time.Duration) error {
			assert.Check(t, d >= 0 && d <= maxRetryAfter, "%s", d)
			return nil
		}
		_, _, err := r.Resolve(t.Context(), hostileRef(t))
		assert.Assert(t, err != nil)
		text := err.Error()
		assert.Assert(t, len(text) < 2*maxErrorText, "%d bytes", len(text))
		for _, letter := range text {
			assert.Assert(t, letter == ' ' || unicode.IsPrint(letter), "%q", text)
		}
	})
}
