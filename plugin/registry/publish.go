package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/command"
	"github.com/opencontainers/go-digest"
)

// Publish publishes under each target, latest last. If one fails, it says what
// became of the others.
func Publish(ctx context.Context, targets []reference.NamedTagged, publish func(context.Context, reference.NamedTagged) error) error {
	var done []string
	targets = publicationOrder(targets)
	for i, target := range targets {
		name := reference.FamiliarString(target)
		err := publish(ctx, target)
		if err == nil {
			done = append(done, name)
			continue
		}
		if len(done) == 0 {
			return err
		}
		return &PartialError{Published: done, Failed: name, Err: err, Untouched: Familiar(targets[i+1:])}
	}
	return nil
}

// publicationOrder puts the tag latest last: if not all can be published, it
// must not be the one that moved.
func publicationOrder(targets []reference.NamedTagged) []reference.NamedTagged {
	ordered := slices.Clone(targets)
	slices.SortStableFunc(ordered, func(a, b reference.NamedTagged) int {
		return floating(a) - floating(b)
	})
	return ordered
}

func floating(target reference.NamedTagged) int {
	if target.Tag() == "latest" {
		return 1
	}
	return 0
}

// Familiar returns names as users write them.
func Familiar(targets []reference.NamedTagged) []string {
	names := make([]string, len(targets))
	for i, target := range targets {
		names[i] = reference.FamiliarString(target)
	}
	return names
}

// PrintPublished is the result: a line for each target.
func PrintPublished(dockerCLI command.Cli, targets []reference.NamedTagged, dgst digest.Digest) error {
	for _, target := range targets {
		if _, err := fmt.Fprintf(dockerCLI.Out(), "%s@%s\n", reference.FamiliarString(target), dgst); err != nil {
			return err
		}
	}
	return nil
}

// PartialError is returned when some of several targets were published.
type PartialError struct {
	Published []string
	Failed    string
	Err       error // of the one that failed
	Untouched []string
}

func (e *PartialError) Error() string {
	text := fmt.Sprintf("published %s; failed: %s: %v", strings.Join(e.Published, ", "), e.Failed, e.Err)
	if len(e.Untouched) > 0 {
		text += "; not tried: " + strings.Join(e.Untouched, ", ")
	}
	return text
}

func (e *PartialError) Unwrap() error { return e.Err }
