package manifest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// failure is one failed attempt: its class, its cause, and whether another attempt can help.
type failure struct {
	class     error
	cause     error
	status    int // HTTP status; 0 if there was none
	transient bool
}

func (f *failure) Error() string   { return f.class.Error() + ": " + f.cause.Error() }
func (f *failure) Unwrap() []error { return []error{f.class, f.cause} }

// ambiguous tells whether the registry may have done what was asked although it didn't say so.
func (f *failure) ambiguous() bool {
	return errors.Is(f.class, ErrUnavailable) && (f.status == 0 || f.status >= 500)
}

// failed sorts an error of the transport, or of go-containerregistry's ping and token exchange on top of it.
func (s *session) failed(err error) *failure {
	var f *failure
	var status *transport.Error
	var ue *url.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &status):
		return s.refused(status, "")
	case errors.As(err, &ue):
		err = ue.Err // the URL is in Error.Reference, or is a token server's with a long query
	}
	switch {
	case isCertificate(err):
		return &failure{class: ErrCertificate, cause: err}
	case errors.Is(err, errTooLarge):
		return &failure{class: ErrInvalid, cause: err}
	}
	return &failure{class: ErrUnavailable, cause: err, transient: (ue != nil || isNetwork(err)) && !isRule(err)}
}

// interrupted sorts an error of sending a request or receiving its answer: it is the network's, if it is nothing else and
// there is one.
func (s *session) interrupted(err error) *failure {
	f := s.failed(err)
	f.transient = errors.Is(f.class, ErrUnavailable) && !isRule(err) && s.r.attached[s.host] == nil
	return f
}

// refused sorts an answer that says no. challenge is its WWW-Authenticate header, if known.
func (s *session) refused(err *transport.Error, challenge string) *failure {
	f := &failure{class: ErrUnavailable, cause: err, status: err.StatusCode}
	switch code := err.StatusCode; {
	case code == http.StatusUnauthorized && !s.anonymous && strings.Contains(challenge, "insufficient_scope"):
		f.class = ErrDenied // Docker Hub's answer to a user who may not push here
	case code == http.StatusUnauthorized, code == http.StatusForbidden && s.anonymous:
		f.class = ErrUnauthorized
	case code == http.StatusForbidden, code == http.StatusMethodNotAllowed:
		f.class = ErrDenied
	case code == http.StatusNotFound:
		f.class = ErrNotFound
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		// 501, 505 and 507 are answers of a registry too, but never to what is asked here in good health.
		f.transient = true
	case code == http.StatusProxyAuthRequired:
		// Not the registry's answer.
	case code >= 400:
		f.class = ErrInvalid
	}
	return f
}

// unseen tells whether a registry refused an index because it does not see its parts yet (eventual consistency: they
// were read back before).
func (f *failure) unseen() bool {
	return f.has(transport.ManifestBlobUnknownErrorCode, transport.BlobUnknownErrorCode, transport.ManifestUnknownErrorCode,
		transport.BlobUploadUnknownErrorCode, transport.BlobUploadInvalidErrorCode)
}

// has tells whether the registry gave one of codes (OCI distribution spec, "Error codes") as the reason.
func (f *failure) has(codes ...transport.ErrorCode) bool {
	var status *transport.Error
	if !errors.As(f.cause, &status) {
		return false
	}
	for _, d := range status.Errors {
		for _, code := range codes {
			if d.Code == code {
				return true
			}
		}
	}
	return false
}

func isStatus(err error) bool {
	var status *transport.Error
	return errors.As(err, &status)
}

func isCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var op *net.OpError
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) ||
		// A TLS alert, such as "certificate required".
		errors.As(err, &op) && op.Op == "remote error"
}

// isNetwork tells whether err came from sending or receiving, not from understanding what came.
func isNetwork(err error) bool {
	var ne net.Error
	var ue *url.Error
	return errors.As(err, &ne) || errors.As(err, &ue) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errSilent)
}

// isRule tells whether a rule of ours, or the wrong protocol, ended the attempt: another one would end the same way.
func isRule(err error) bool {
	return errors.Is(err, errAddress) || errors.Is(err, errScheme) || errors.Is(err, errPlainHTTP) ||
		errors.Is(err, errRedirect) || errors.Is(err, http.ErrSchemeMismatch)
}

// describe gives the words of an error without the raw page of HTML that a proxy may have sent.
func describe(err error) string {
	var ours *Error
	var status *transport.Error
	if errors.As(err, &ours) {
		return ours.Error()
	}
	if !errors.As(err, &status) {
		return err.Error()
	}
	var words []string
	for _, d := range status.Errors {
		if d.Message == "" {
			d.Message = string(d.Code)
		}
		words = append(words, d.Message)
	}
	if len(words) == 0 {
		return fmt.Sprintf("status %d %s", status.StatusCode, http.StatusText(status.StatusCode))
	}
	return strings.Join(slices.Compact(words), "; ") // one for each missing part
}
