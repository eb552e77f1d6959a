package progress

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

// Writer takes the events of one part of the build, such as a platform on a
// node. It is safe for concurrent use.
type Writer struct {
	display *Display
	part    *part
	// id is in the keys of the part's vertices.
	id string

	mu sync.Mutex
	// steps are the instructions that ended, and whether the node had the
	// result of each.
	steps map[digest.Digest]bool
	// open are the lines that have no end yet.
	open map[stream]*buildkit.VertexLog
}

// stream is one output of a vertex.
type stream struct {
	vertex digest.Digest
	number int
}

// Writer returns the writer for one part of the build: a platform, or another
// thing that happens once, and the node that does it, which may be empty. It is
// shown as waiting until it writes.
func (d *Display) Writer(name, node string) *Writer {
	w := &Writer{
		display: d, part: newPart(CleanLine(name)),
		steps: map[digest.Digest]bool{}, open: map[stream]*buildkit.VertexLog{},
	}
	w.id = strconv.FormatInt(d.writers.Add(1), 10)
	w.On(node)
	return w
}

// On says which node does the part. A part that waits may get another one.
func (w *Writer) On(node string) {
	w.display.send(event{part: w.part, node: CleanLine(node), status: &buildkit.SolveStatus{}})
}

// Done says that nothing else comes from this part. err is why it failed, or
// nil.
func (w *Writer) Done(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.display.send(event{
		part: w.part, ended: true, err: err,
		status: &buildkit.SolveStatus{Logs: w.rest(func(digest.Digest) bool { return true })},
	})
}

// Status passes on an event of BuildKit.
func (w *Writer) Status(s *buildkit.SolveStatus) {
	out := &buildkit.SolveStatus{}
	for _, v := range s.Vertexes {
		c := *v
		c.Digest, c.Inputs = w.key(v.Digest), w.keys(v.Inputs)
		c.Name, c.Error, c.ProgressGroup = CleanLine(v.Name), Clean(v.Error), w.group(v.ProgressGroup)
		out.Vertexes = append(out.Vertexes, &c)
	}
	for _, v := range s.Statuses {
		c := *v
		c.Vertex, c.ID, c.Name = w.key(v.Vertex), CleanLine(v.ID), CleanLine(v.Name)
		out.Statuses = append(out.Statuses, &c)
	}
	for _, v := range s.Warnings {
		c := *v
		c.Vertex, c.Short, c.URL = w.key(v.Vertex), []byte(CleanLine(string(v.Short))), CleanLine(v.URL)
		c.Detail, c.SourceInfo = cleanAll(v.Detail), nil
		out.Warnings = append(out.Warnings, &c)
	}
	// Events leave in the order in which their lines were put together.
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count(out.Vertexes)
	for _, v := range s.Logs {
		out.Logs = append(out.Logs, w.lines(v)...)
	}
	out.Logs = append(out.Logs, w.rest(func(d digest.Digest) bool {
		return slices.ContainsFunc(out.Vertexes, func(v *buildkit.Vertex) bool { return v.Digest == d && v.Completed != nil })
	})...)
	w.display.send(event{part: w.part, status: out})
}

// Steps returns how many instructions of a Dockerfile were carried out, and how
// many of those the node had in its cache. A FROM is none.
func (w *Writer) Steps() (all, cached int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, had := range w.steps {
		if had {
			cached++
		}
	}
	return len(w.steps), cached
}

func (w *Writer) count(vertices []*buildkit.Vertex) {
	for _, v := range vertices {
		if m := step.FindStringSubmatch(v.Name); m != nil && v.Completed != nil && !strings.HasPrefix(m[3], "FROM ") {
			w.steps[v.Digest] = v.Cached
		}
	}
}

// lines returns the lines that a piece of output completes. Pieces end anywhere,
// within a character or an escape sequence too, so only lines can be cleaned.
func (w *Writer) lines(l *buildkit.VertexLog) []*buildkit.VertexLog {
	from := stream{w.key(l.Vertex), l.Stream}
	whole := *l
	whole.Vertex = from.vertex
	if begun := w.open[from]; begun != nil {
		whole.Data = slices.Concat(begun.Data, l.Data)
	}
	end := 1 + bytes.LastIndexAny(whole.Data, "\n\r")
	if len(whole.Data)-end > MaxLine {
		end = len(whole.Data)
	}
	delete(w.open, from)
	if end < len(whole.Data) {
		open := whole
		open.Data = slices.Clone(whole.Data[end:])
		w.open[from] = &open
	}
	if end == 0 {
		return nil
	}
	whole.Data = cleanLines(whole.Data[:end])
	return []*buildkit.VertexLog{&whole}
}

// rest returns the lines that never ended, of the vertices that match.
func (w *Writer) rest(match func(digest.Digest) bool) []*buildkit.VertexLog {
	var logs []*buildkit.VertexLog
	for from, l := range w.open {
		if match(from.vertex) {
			l.Data = cleanLines(l.Data)
			logs = append(logs, l)
			delete(w.open, from)
		}
	}
	return logs
}

// cleanLines returns clean text that ends with a newline.
func cleanLines(data []byte) []byte {
	return append([]byte(Clean(string(bytes.TrimRightFunc(data, unicode.IsSpace)))), '\n')
}

// group keeps the groups of two parts apart, as key does for vertices.
func (w *Writer) group(g *pb.ProgressGroup) *pb.ProgressGroup {
	if g == nil {
		return nil
	}
	return &pb.ProgressGroup{Id: string(w.key(digest.Digest(g.Id))), Name: CleanLine(g.Name), Weak: g.Weak}
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
	return digest.FromString(w.id + "\x00" + string(d))
}

func (w *Writer) keys(ds []digest.Digest) []digest.Digest {
	keys := make([]digest.Digest, len(ds))
	for i, d := range ds {
		keys[i] = w.key(d)
	}
	return keys
}
