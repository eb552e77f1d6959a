package build

import (
	"errors"
	"fmt"
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
	return newBaseImageError(b.failed, lastCause(err))
}

// What engines say of a base image that they found, but can't use: BuildKit, and
// of moby distribution/pull_v2.go, pull_v2_windows.go and daemon/images/image.go.
var (
	lacksPlatform = regexp.MustCompile(`no match for platform|no matching manifest for|does not (match|provide) the specified platform`)
	otherVersion  = regexp.MustCompile(`-based image is incompatible with a .* host`)
)

// newBaseImageError is the error of an engine about a base image. One that is
// there, but not for this platform, is told from one that can't be reached.
func newBaseImageError(reference string, err error) error {
	switch {
	case lacksPlatform.MatchString(err.Error()):
		err = fmt.Errorf("%w: %w", ErrBasePlatform, err)
	case otherVersion.MatchString(err.Error()):
		err = fmt.Errorf("%w: %w", ErrVersion, err)
	}
	return &BaseImageError{Reference: reference, Err: err}
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
