package progress

import (
	"fmt"
	"time"

	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

// Writer takes the events of one node and platform. It is safe for concurrent
// use.
type Writer struct {
	display *Display
	label   string
}

// Writer returns the writer for one part of the build, whose name ("linux/arm64
// graviton") goes in front of everything it writes.
func (d *Display) Writer(label string) *Writer {
	return &Writer{display: d, label: label}
}

// Status passes on an event of BuildKit.
func (w *Writer) Status(s *buildkit.SolveStatus) {
	out := &buildkit.SolveStatus{}
	for _, v := range s.Vertexes {
		c := *v
		c.Digest, c.Inputs = w.key(v.Digest), w.keys(v.Inputs)
		c.Name, c.Error, c.ProgressGroup = w.name(v.Name), Clean(v.Error), w.group(v.ProgressGroup)
		out.Vertexes = append(out.Vertexes, &c)
	}
	for _, v := range s.Statuses {
		c := *v
		c.Vertex, c.ID, c.Name = w.key(v.Vertex), CleanLine(v.ID), CleanLine(v.Name)
		out.Statuses = append(out.Statuses, &c)
	}
	for _, v := range s.Logs {
		c := *v
		c.Vertex, c.Data = w.key(v.Vertex), []byte(cleanKeepColour(string(v.Data)))
		out.Logs = append(out.Logs, &c)
	}
	for _, v := range s.Warnings {
		c := *v
		c.Vertex, c.Short, c.URL = w.key(v.Vertex), []byte(CleanLine(string(v.Short))), CleanLine(v.URL)
		c.Detail, c.SourceInfo = cleanAll(v.Detail), nil
		out.Warnings = append(out.Warnings, &c)
	}
	w.display.events <- out
}

func (w *Writer) name(name string) string {
	return "[" + w.label + "] " + CleanLine(name)
}

// group keeps the groups of two nodes apart, as key does for vertices.
func (w *Writer) group(g *pb.ProgressGroup) *pb.ProgressGroup {
	if g == nil {
		return nil
	}
	return &pb.ProgressGroup{Id: string(w.key(digest.Digest(g.Id))), Name: w.name(g.Name), Weak: g.Weak}
}

func cleanAll(lines [][]byte) [][]byte {
	clean := make([][]byte, len(lines))
	for i, line := range lines {
		clean[i] = []byte(CleanLine(string(line)))
	}
	return clean
}

// key makes a digest of this writer's own of one that several may share.
func (w *Writer) key(d digest.Digest) digest.Digest {
	if d == "" {
		return ""
	}
	return digest.FromString(w.label + "\x00" + string(d))
}

func (w *Writer) keys(ds []digest.Digest) []digest.Digest {
	keys := make([]digest.Digest, len(ds))
	for i, d := range ds {
		keys[i] = w.key(d)
	}
	return keys
}

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

// Done shows the end of the step; err is why it failed, or nil. It returns err.
func (s *Step) Done(err error) error {
	now := time.Now()
	s.vertex.Completed = &now
	if err != nil {
		s.vertex.Error = err.Error()
	}
	// A part left open would keep the display from showing the step's end.
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
