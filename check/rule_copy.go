package check

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/docker-multiarch/docker-multiarch/check/binary"
)

// Bounds of a look into the build context, for one instruction.
const (
	maxFiles  = 1000
	shownRows = 5
)

// checkCopy judges what is copied: by its name, and by what is in it.
func (v *view) checkCopy(s *stage, step step, c instructions.SourcesAndDest, from string) {
	at := line(step.Location())
	for _, word := range append(slices.Clone(c.SourcePaths), c.DestPath) {
		v.checkWord(step, word, at)
	}
	sources := make([]string, len(c.SourcePaths))
	for i, source := range c.SourcePaths {
		sources[i] = step.env.expand(v.file.lex, source)
	}
	for _, source := range sources {
		arch, ok := foreign(source, s.platform)
		switch {
		case ok && strings.Contains(source, "://"):
			v.reportDownload(source, arch, at)
		case ok && isSystemPath(source):
			v.checkPath(s, strings.Join(sources, " "), at)
		case ok && !v.hasBinary(s, source, from, at):
			v.report(Finding{
				Rule: ruleCopy, Level: Warning, arch: arch,
				Why:     fmt.Sprintf("%s is for %s, by its name", visible(source), arch),
				Instead: "a name with $TARGETARCH in it, after ARG TARGETARCH",
			}, at)
		case !ok:
			v.hasBinary(s, source, from, at)
		}
	}
	v.checkPath(s, step.env.expand(v.file.lex, c.DestPath), at)
}

// hasBinary finds programs of the build context that don't run on the platform,
// and says whether there are some. Where others beside them do, they are for
// several platforms on purpose; a COPY of everything says nothing of what is used.
func (v *view) hasBinary(s *stage, source, from string, at int) bool {
	clean := strings.TrimPrefix(path.Clean("/"+source), "/")
	if v.Context == nil || from != "" || clean == "" || clean == "*" || strings.Contains(source, "://") {
		return false
	}
	named, err := fs.Glob(v.Context, clean)
	if err != nil {
		return false
	}
	foreign, kind := v.foreignFiles(s, named)
	if len(foreign) == 0 {
		return false
	}
	f := Finding{
		Rule: ruleBinary, Level: Error, Why: fmt.Sprintf("%s: %s", shorten(foreign), kind),
		Instead: "build it in a stage, or a file for each platform: COPY bin/$TARGETARCH/…",
	}
	if !slices.Contains(named, foreign[0]) {
		f.Level = Warning // one of the files of a directory: it may not be used
	}
	v.report(f, at)
	return true
}

// foreignFiles returns the programs at and below some paths, if none of those
// there runs on the platform, and what the first is.
func (v *view) foreignFiles(s *stage, named []string) (found []string, kind string) {
	left, fits := maxFiles, false
	for _, start := range named {
		// What can't be read here is for the build to say.
		_ = fs.WalkDir(v.Context, start, func(name string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil //nolint:nilerr // as above
			}
			if left--; left < 0 {
				return fs.SkipAll
			}
			switch program := v.program(name); program.Fits(s.platform) {
			case binary.Foreign:
				if found = append(found, name); kind == "" {
					kind = program.String()
				}
			case binary.Fits:
				fits = true
			case binary.Unknown:
			}
			return nil
		})
	}
	if fits {
		return nil, ""
	}
	return found, kind
}

// program says what a file of the build context is; one that can't be read is none.
func (v *view) program(name string) binary.File {
	f, err := v.Context.Open(name)
	if err != nil {
		return binary.File{}
	}
	defer f.Close()
	program, err := binary.Read(f)
	if err != nil {
		return binary.File{}
	}
	return program
}

func shorten(all []string) string {
	if more := len(all) - shownRows; more > 0 {
		return strings.Join(all[:shownRows], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(all, ", ")
}
