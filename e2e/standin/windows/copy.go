package windows

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// copy follows builder/dockerfile/dispatchers.go, dispatchCopy, and internals.go, performCopy.
func (s *state) copy(ctx context.Context, c *instructions.CopyCommand) error {
	if c.Chmod != "" {
		return errors.New("the --chmod option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled")
	}
	from, err := s.source(ctx, c.From)
	if err != nil {
		return err
	}
	present, err := filesOf(s.image)
	if err != nil {
		return err
	}
	dest := strings.ReplaceAll(c.DestPath, `\`, "/")
	intoDir := strings.HasSuffix(dest, "/") || present[key(s.absolute(dest))].dir || s.absolute(dest) == "/"
	files := tree{}
	for _, source := range c.SourcePaths {
		found := from.match(source)
		if len(found) == 0 {
			return fmt.Errorf("COPY failed: file not found in build context or excluded by .dockerignore: stat %s: file does not exist", source)
		}
		if (len(found) > 1 || len(c.SourcePaths) > 1) && !strings.HasSuffix(dest, "/") {
			return errors.New("When using COPY with more than one source file, the destination must be a directory and end with a /") //nolint:staticcheck // the engine's words
		}
		for _, e := range found {
			place(files, from, e, s.absolute(dest), intoDir)
		}
	}
	return s.commit(s.shell()+" #(nop) COPY "+strings.Join(c.SourcePaths, " ")+" in "+c.DestPath+" ", files)
}

// place follows builder/dockerfile/copy.go, performCopyForInfo: of a directory its contents are copied.
func place(files, from tree, e entry, dest string, intoDir bool) {
	if !e.dir {
		if intoDir {
			dest = path.Join(dest, path.Base(e.path))
		}
		files.put(entry{path: dest, content: e.content, time: e.time})
		return
	}
	files.put(entry{path: dest, dir: true, time: time.Now()})
	for _, inner := range from.below(e.path) {
		inner.path = path.Join(dest, inner.path[len(strings.TrimSuffix(e.path, "/")):])
		files.put(inner)
	}
}

// source are the files that a COPY takes from: the build context, or those of a stage or image.
func (s *state) source(ctx context.Context, from string) (tree, error) {
	if from == "" {
		return s.context, nil
	}
	if n, err := strconv.Atoi(from); err == nil && n < len(s.stages) {
		return filesOf(s.stages[n].image)
	}
	image, err := s.imageOrStage(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("invalid from flag value %s: %w", from, err)
	}
	return filesOf(image)
}

// match follows builder/dockerfile/copy.go: calcCopyInfo and copyWithWildcards.
func (t tree) match(source string) (found []entry) {
	source = strings.ReplaceAll(source, `\`, "/")
	if len(source) > 1 && source[1] == ':' {
		source = source[2:]
	}
	if key(source) == "/" {
		return []entry{{path: "/", dir: true}}
	}
	if e, ok := t[key(source)]; ok {
		return []entry{e}
	}
	for _, e := range t.below("/") {
		if ok, _ := path.Match(key(source), key(e.path)); ok {
			found = append(found, e)
		}
	}
	return found
}
