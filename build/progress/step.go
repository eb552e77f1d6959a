package progress

import (
	"fmt"
	"time"

	buildkit "github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// Step is one act that is not BuildKit's, such as a push, shown beside its
// vertices.
type Step struct {
	writer *Writer
	vertex buildkit.Vertex
	parts  map[string]*buildkit.VertexStatus
}

// Start shows the beginning of a step.
func (w *Writer) Start(name string) *Step {
	now := time.Now()
	s := &Step{writer: w, parts: map[string]*buildkit.VertexStatus{}}
	s.vertex = buildkit.Vertex{Name: name, Started: &now, Digest: digest.FromString(fmt.Sprint(name, now.UnixNano()))}
	s.send(&buildkit.SolveStatus{})
	return s
}

// Part shows how far one part of the step, such as a layer, has come, in
// bytes. A total of 0 is unknown.
func (s *Step) Part(id string, current, total int64, done bool) {
	now := time.Now()
	part := s.parts[id]
	if part == nil {
		part = &buildkit.VertexStatus{ID: id, Vertex: s.vertex.Digest, Started: &now}
		s.parts[id] = part
	}
	part.Timestamp = now
	if current > 0 {
		part.Current = current
	}
	if total > 0 {
		part.Total = total
	}
	if done && part.Completed == nil {
		part.Completed = &now
	}
	c := *part
	s.send(&buildkit.SolveStatus{Statuses: []*buildkit.VertexStatus{&c}})
}

// Log shows a line that belongs to the step.
func (s *Step) Log(line string) {
	s.send(&buildkit.SolveStatus{Logs: []*buildkit.VertexLog{{
		Vertex: s.vertex.Digest, Stream: 2, Data: []byte(line + "\n"), Timestamp: time.Now(),
	}}})
}

// Cached says that there was nothing to do: the node had the result.
func (s *Step) Cached() { s.vertex.Cached = true }

// Done shows the end of the step; err is why it failed, or nil. It returns err.
func (s *Step) Done(err error) error {
	now := time.Now()
	s.vertex.Completed = &now
	if err != nil {
		s.vertex.Error = err.Error()
	}
	// What is still open ends with the step.
	e := &buildkit.SolveStatus{}
	for _, part := range s.parts {
		if part.Completed == nil {
			part.Completed = &now
			e.Statuses = append(e.Statuses, part)
		}
	}
	s.send(e)
	return err
}

// send passes an event on together with the vertex it belongs to.
func (s *Step) send(e *buildkit.SolveStatus) {
	v := s.vertex
	e.Vertexes = []*buildkit.Vertex{&v}
	s.writer.Status(e)
}
