package classic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
)

// stream reads the classic builder's answer and shows it as steps.
type stream struct {
	writer *progress.Writer
	step   *progress.Step // the one under way; nil before the first
	base   string         // the image of the FROM under way
	line   strings.Builder
	// id is the image of the last stage that was finished, built what the
	// engine names as the result at the end.
	id    digest.Digest
	built string
}

// The words of moby's builder/dockerfile/builder.go and
// api/server/backend/build/backend.go.
var (
	stepLine  = regexp.MustCompile(`^Step (\d+/\d+) : (.*)$`)
	builtLine = regexp.MustCompile(`^Successfully built ([0-9a-f]{12,64})$`)
	fromLine  = regexp.MustCompile(`(?i)^FROM (?:--\S+ )*(\S+)`)
)

// scratch is no image, and on Windows no base either.
const scratch = "scratch"

// cachedLine is what the engine says of a step whose result it has.
const cachedLine = " ---> Using cache"

// read shows the answer to its end.
func (s *stream) read(ctx context.Context, body io.Reader) (digest.Digest, error) {
	err := s.messages(ctx, body)
	s.flush()
	if s.step != nil {
		_ = s.step.Done(err)
	}
	if err != nil {
		return "", err
	}
	// Every stage reports an image; only that of the last one is the result.
	if s.id == "" || s.built == "" || !strings.HasPrefix(s.id.Encoded(), s.built) {
		return "", nil
	}
	return s.id, nil
}

func (s *stream) messages(ctx context.Context, body io.Reader) error {
	decoder := json.NewDecoder(body)
	for {
		var m jsonstream.Message
		switch err := decoder.Decode(&m); {
		case context.Cause(ctx) != nil:
			return context.Cause(ctx)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the engine's answer: %w", err)
		}
		if err := s.take(m); err != nil {
			return err
		}
	}
}

func (s *stream) take(m jsonstream.Message) error {
	switch {
	case m.Error != nil:
		return &Error{Message: progress.Clean(m.Error.Message), Base: progress.CleanLine(s.base)}
	case m.Aux != nil:
		var result build.Result
		if json.Unmarshal(*m.Aux, &result) == nil && digest.Digest(result.ID).Validate() == nil {
			s.id = digest.Digest(result.ID)
		}
	case m.Status != "":
		s.pull(m)
	default:
		s.text(m.Stream)
	}
	return nil
}

// pull shows how far the pull of a base image is.
func (s *stream) pull(m jsonstream.Message) {
	switch {
	case s.step == nil:
	case m.Progress != nil && m.Progress.Total > 0:
		s.step.Part(m.ID, m.Progress.Current, m.Progress.Total, false)
	case m.Status == "Pull complete", m.Status == "Already exists":
		s.step.Part(m.ID, 0, 0, true)
	case m.ID == "":
		s.step.Log(m.Status)
	}
}

// text takes a piece of what steps print; lines may come in several.
func (s *stream) text(piece string) {
	for {
		line, rest, ended := strings.Cut(piece, "\n")
		s.line.WriteString(line)
		if !ended {
			if s.line.Len() > progress.MaxLine {
				s.flush()
			}
			return
		}
		s.flush()
		piece = rest
	}
}

func (s *stream) flush() {
	line := strings.TrimRight(s.line.String(), "\r")
	s.line.Reset()
	if found := stepLine.FindStringSubmatch(line); found != nil {
		s.start(found[1], found[2])
		return
	}
	if found := builtLine.FindStringSubmatch(line); found != nil {
		s.built = found[1]
	}
	if s.step != nil && line != "" {
		if line == cachedLine {
			s.step.Cached()
		}
		s.step.Log(line)
	}
}

// start ends the step under way and begins the next.
func (s *stream) start(number, command string) {
	if s.step != nil {
		_ = s.step.Done(nil)
	}
	s.base = ""
	if found := fromLine.FindStringSubmatch(command); found != nil && found[1] != scratch {
		s.base = found[1]
	}
	s.step = s.writer.Start("[" + number + "] " + command)
}
