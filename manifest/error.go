package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/opencontainers/go-digest"
)

// The classes of failure that a caller can tell apart with errors.Is.
var (
	// ErrUnauthorized means that the registry wants a login that the user doesn't have, or refuses the one given.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrDenied means that the user is logged in but may not do this.
	ErrDenied = errors.New("denied")
	// ErrCredentials means that the stored login could not be read, for instance because its credential helper failed.
	ErrCredentials = errors.New("reading credentials failed")
	// ErrNotFound means that the registry has no such repository, manifest or blob.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable means that the registry was not reached, or stayed busy or broken until the retries were spent.
	ErrUnavailable = errors.New("unavailable")
	// ErrCertificate means that TLS with the registry failed for good: unknown authority, other host name, expired.
	ErrCertificate = errors.New("certificate not trusted")
	// ErrInvalid means that a manifest or a request breaks the rules, in the eyes of the registry or in ours.
	ErrInvalid = errors.New("invalid")
	// ErrDigest means that content is not what its digest or its size says.
	ErrDigest = errors.New("digest mismatch")
	// ErrPlatform means that an image is for another platform than the index says.
	ErrPlatform = errors.New("platform mismatch")
	// ErrStale means that a tag went on to answer with its old manifest after a new one was accepted.
	ErrStale = errors.New("registry still answers with the old manifest")
	// ErrChanged means that someone else changed a tag while it was being published. See [ChangedError].
	ErrChanged = errors.New("changed by someone else")
	// ErrUnproven means that a tag was written, or may have been, and that it could not be seen what came of it: its cause
	// says why. Whoever reads the tag finds what it had before, or all of the new manifest.
	ErrUnproven = errors.New("written, but not proven")
	// ErrImmutable means that the registry refuses to move a tag that has other content.
	ErrImmutable = errors.New("tag is immutable and has other content")
)

// Error says what was being done, with which reference, and why it failed. errors.Is finds the class (one of the
// sentinels of this package) and errors.As the cause. Its text is safe for a terminal; the text of an unwrapped cause is
// as the registry sent it, and is not.
type Error struct {
	Op        string // what was being done, as "reading" or "publishing"
	Host      string // the registry's host[:port] as in the reference, such as docker.io
	Reference string
	Class     error // the class of failure; nil when the context was cancelled
	Err       error // the cause; may be nil
	Attempts  int   // how often it was tried
	// RetryAfter is how long the registry asked to wait, if that was more than the five minutes that are waited for.
	RetryAfter time.Duration
}

// Error implements error.
func (e *Error) Error() string {
	text := e.Op + " " + clean(e.Reference)
	if e.Class != nil {
		text += ": " + e.Class.Error()
		if e.Attempts > 1 {
			text += fmt.Sprintf(" after %d attempts", e.Attempts)
		}
		if e.RetryAfter > 0 {
			text += fmt.Sprintf(", the registry asks to wait %s", e.RetryAfter.Round(time.Second))
		}
	}
	// The registry's words for "not found" add nothing.
	if e.Err != nil && !errors.Is(e.Class, ErrNotFound) {
		text += ": " + clean(describe(e.Err))
	}
	return text
}

// Unwrap gives the class and the cause.
func (e *Error) Unwrap() []error {
	var all []error
	for _, err := range []error{e.Class, e.Err} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// ChangedError is the cause of an [ErrChanged].
type ChangedError struct {
	Published digest.Digest // what was published
	Found     digest.Digest // what the tag has now
}

// Error implements error.
func (e *ChangedError) Error() string {
	return fmt.Sprintf("published %s, found %s", e.Published, e.Found)
}

const maxErrorText = 1 << 10

var urlQuery = regexp.MustCompile(`(https?://[^\s"?]*)\?[^\s"]*`)

// clean makes text of a registry fit for a terminal: printable, one line, at most 1 KiB, and without the query strings
// of URLs, which can hold signatures of storage services.
func clean(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = urlQuery.ReplaceAllString(text, "$1?…")
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return text
}
