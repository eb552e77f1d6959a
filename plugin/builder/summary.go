package builder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/docker/go-units"
	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// printSummary says on standard error what became of each platform, what did not
// go as planned, and what is left where. Who wants it quiet, or events alone,
// gets no more than what did not go as planned.
func (s *session) printSummary(ctx context.Context) {
	all := s.input.progress != progress.Quiet && s.input.progress != progress.RawJSON
	if all && ctx.Err() == nil {
		s.printResults(ctx)
	}
	s.printDeviations()
	if all {
		s.printLeft()
	}
}

// printResults prints a table of the platforms.
func (s *session) printResults(ctx context.Context) {
	if len(s.results) == 0 {
		return
	}
	table := tabwriter.NewWriter(s.cli.Err(), 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "PLATFORM\tNODE\tBUILD\tTIME\tSIZE\tDIGEST")
	for _, r := range s.results {
		dgst, size := s.identity(ctx, r)
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", platforms.FormatAll(r.Platform), progress.Clean(r.Node.Name), outcome(r), duration(r), size, dgst)
	}
	_ = table.Flush()
}

// outcome says in a word or two how a platform's build ended.
func outcome(r build.Result) string {
	switch {
	case errors.Is(r.Err, context.Canceled):
		return "stopped"
	case r.Err != nil:
		return "failed"
	case r.Steps > 0 && r.Cached == r.Steps:
		return "cached"
	case r.Cached > 0:
		return fmt.Sprintf("%d/%d cached", r.Cached, r.Steps)
	}
	return "built"
}

func duration(r build.Result) string {
	return fmt.Sprintf("%.1fs", (r.BuildTime + r.VerifyTime + r.TestTime + r.PushTime).Round(100*time.Millisecond).Seconds())
}

// identity is the digest of what was pushed and its compressed size, or else the
// image ID and what the image takes on its node.
func (s *session) identity(ctx context.Context, r build.Result) (dgst, size string) {
	id, bytes := r.Image.ID, int64(0)
	for _, pushed := range r.Pushed {
		id = pushed.Digest
		s.mu.Lock()
		bytes = s.children[childKey(pushed)].Size
		s.mu.Unlock()
	}
	if bytes == 0 {
		bytes = r.Size(ctx)
	}
	if bytes > 0 {
		size = units.HumanSizeWithPrecision(float64(bytes), 3)
	}
	return cmp.Or(short(id), "-"), cmp.Or(size, "-")
}

// short is a digest as docker's tables have it.
func short(d digest.Digest) string {
	if d.Validate() != nil {
		return ""
	}
	return d.Algorithm().String() + ":" + d.Encoded()[:12]
}

// printDeviations says what did not go as planned: nodes that were lost, pushes
// that were tried again, and platforms that are missing.
func (s *session) printDeviations() {
	for _, r := range s.results {
		name := platforms.FormatAll(r.Platform)
		for _, lost := range r.Lost {
			s.printf("Moved to %s: %v", r.Node.Name, lost)
		}
		for _, retried := range r.Retried {
			s.printf("Tried again: %s on %s: %v", name, r.Node.Name, retried)
		}
		if r.Left != nil {
			for left := range strings.SplitSeq(r.Left.Error(), "\n") {
				s.printf("Left behind: %s", left)
			}
		}
		if r.Err != nil && r.Optional {
			s.printf("Missing: %v", r.Err)
		}
	}
	for _, warning := range slices.Sorted(slices.Values(s.warnings)) {
		s.printf("Warning: %s", warning)
	}
	for _, p := range s.missing() {
		s.printf("Missing: %s: no node", platforms.FormatAll(p))
	}
}

// printLeft lists what a build leaves on purpose: per-platform tags in the
// registry, and images on the nodes.
func (s *session) printLeft() {
	var tags []reference.NamedTagged
	for _, r := range s.results {
		for _, pushed := range r.Pushed {
			if tag, ok := pushed.Reference.(reference.NamedTagged); ok {
				tags = append(tags, tag)
			}
		}
	}
	if len(tags) > 0 {
		s.printf("Left in the registry: %s", strings.Join(registry.Familiar(tags), ", "))
	}
	if s.input.options.rmImages {
		return
	}
	for _, r := range s.results {
		if r.Image.ID != "" {
			s.printf("Left on %s: %s", r.Node.Name, cmp.Or(strings.Join(registry.Familiar(r.Names()), ", "), r.Image.ID.String()))
		}
	}
}

// printf prints a line of clean text on standard error.
func (s *session) printf(format string, args ...any) {
	_, _ = io.WriteString(s.cli.Err(), progress.Clean(fmt.Sprintf(format, args...))+"\n")
}
