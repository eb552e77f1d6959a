package build

import (
	"errors"
	"regexp"
	"strings"

	buildkit "github.com/moby/buildkit/client"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
)

// BaseImageError is returned when an engine could not get an image that a
// Dockerfile builds on.
type BaseImageError struct {
	// Reference is the image as BuildKit names it.
	Reference string
	Err       error
}

// Error implements error.
func (e *BaseImageError) Error() string { return "base image " + e.Reference + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *BaseImageError) Unwrap() error { return e.Err }

// baseImages watches a build for the base image that can't be had. BuildKit's
// error does not always name it, but the vertex that failed does.
type baseImages struct{ failed string }

// baseVertex is the name of a vertex that looks up an image, for a FROM, for a
// named context in place of it, or for a frontend.
var baseVertex = regexp.MustCompile(`^(?:\[(?:internal|context .+)\] load metadata for |resolve image config for )(?:docker-image://)?(.+)$`)

func (b *baseImages) watch(e *buildkit.SolveStatus) {
	for _, v := range e.Vertexes {
		if v.Error == "" || strings.Contains(v.Error, "context canceled") {
			continue
		}
		if found := baseVertex.FindStringSubmatch(v.Name); found != nil {
			b.failed = progress.Clean(found[1])
		}
	}
}

// explain adds the base image to err, if that is what failed.
func (b *baseImages) explain(err error) error {
	if err == nil || b.failed == "" {
		return err
	}
	return &BaseImageError{Reference: b.failed, Err: lastCause(err)}
}

// lastCause leaves out what BuildKit wraps around a failed look-up, such as the
// reference again; which line of the Dockerfile it is about stays.
func lastCause(err error) error {
	text := err.Error()
	if i := strings.LastIndex(text, "failed to create LLB definition: "); i >= 0 {
		_, text, _ = strings.Cut(text[i:], ": ")
	}
	if i := strings.LastIndex(text, "failed to resolve source metadata for "); i >= 0 {
		_, text, _ = strings.Cut(text[i:], ": ")
	}
	cause := errors.New(progress.Clean(text))
	for _, s := range sources(err) {
		cause = s.WrapError(cause)
	}
	return cause
}
