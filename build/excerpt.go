package build

import (
	"errors"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/build/source"
)

// maxExcerpt bounds what is shown of one Dockerfile, in lines.
const maxExcerpt = 100

// Excerpts returns the lines of Dockerfiles that an error is about, as docker
// build shows them, each once. They are clean: engines have their own copy.
func Excerpts(err error) []string {
	var all []string
	for _, s := range sources(err) {
		if text := excerpt(s); text != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

func excerpt(s *errdefs.Source) string {
	// Print relies on ranges being whole, which an engine need not care about.
	if slices.ContainsFunc(s.Ranges, func(r *pb.Range) bool { return r.GetStart() == nil || r.GetEnd() == nil }) {
		return ""
	}
	var b strings.Builder
	_ = s.Print(&b) // a strings.Builder takes everything
	lines := strings.SplitAfter(progress.Clean(b.String()), "\n")
	if len(lines) > maxExcerpt {
		lines = append(lines[:maxExcerpt], "…\n")
	}
	return strings.Join(lines, "")
}

// sources finds what errdefs.Sources does, in all of several errors that were
// joined.
func sources(err error) []*errdefs.Source {
	switch e := err.(type) { //nolint:errorlint // it unwraps step by step
	case *errdefs.SourceError:
		return append(sources(e.Unwrap()), e.Source)
	case interface{ Unwrap() error }:
		return sources(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*errdefs.Source
		for _, err := range e.Unwrap() {
			all = append(all, sources(err)...)
		}
		return all
	}
	return nil
}

// located adds to an error of the parser which lines of d it is about.
func located(err error, d *source.Dockerfile) error {
	e, ok := errors.AsType[*parser.LocationError](err)
	if !ok {
		return err
	}
	for _, location := range e.Locations {
		s := &errdefs.Source{Info: &pb.SourceInfo{Filename: d.Name, Data: d.Content}}
		for _, r := range location {
			s.Ranges = append(s.Ranges, &pb.Range{Start: position(r.Start), End: position(r.End)})
		}
		err = errdefs.WithSource(err, s)
	}
	return err
}

func position(p parser.Position) *pb.Position {
	return &pb.Position{Line: int32(p.Line), Character: int32(p.Character)} //nolint:gosec // a Dockerfile is bounded by source.MaxText
}
