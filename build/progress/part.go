package progress

import (
	"cmp"
	"strings"
	"time"

	buildkit "github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// tailLines is how many of a vertex' last lines are kept: they are shown again
// when it failed.
const tailLines = 20

// part is what is known of one Writer. Times are this machine's.
type part struct {
	name, node   string
	begun, ended time.Time
	err          error
	vertices     map[digest.Digest]*vertex
	// started are the vertices that began, in that order.
	started []*vertex
}

// vertex is a step of a part.
type vertex struct {
	part *part
	// number counts the vertices of a part.
	number       int
	name         string
	begun, ended time.Time
	// start is when it began by the clock of the node, and took how long it
	// ran there.
	start  time.Time
	took   time.Duration
	cached bool
	err    string
	// transfers are what it moves: files, layers. order has their names as
	// they came.
	transfers map[string]buildkit.VertexStatus
	order     []string
	tail      []string
}

// kind is what changed.
type kind int

const (
	began    kind = iota // a vertex
	said                 // a line of a vertex: text
	moved                // some bytes: transfer
	warned               // a warning: text
	finished             // a vertex, see its fields for how
	ended                // the part
)

// change is one thing that an event changed.
type change struct {
	kind     kind
	vertex   *vertex // nil for ended
	text     string
	at       time.Duration // since the vertex began
	transfer buildkit.VertexStatus
}

func newPart(name string) *part {
	return &part{name: name, vertices: map[digest.Digest]*vertex{}}
}

// label names the part in front of a line.
func (p *part) label() string { return strings.TrimSpace(p.name + " " + p.node) }

// take adds an event to what is known, and returns what it changed in the order
// in which it is told.
func (p *part) take(e event, now time.Time) []change {
	var changes []change
	p.node = cmp.Or(e.node, p.node)
	for _, v := range e.status.Vertexes {
		changes = append(changes, p.begin(v, now)...)
	}
	for _, s := range e.status.Statuses {
		if v := p.vertices[s.Vertex]; v != nil {
			v.move(*s)
			changes = append(changes, change{kind: moved, vertex: v, transfer: *s})
		}
	}
	for _, l := range e.status.Logs {
		if v := p.vertices[l.Vertex]; v != nil {
			changes = append(changes, v.say(l)...)
		}
	}
	for _, w := range e.status.Warnings {
		if v := p.vertices[w.Vertex]; v != nil {
			changes = append(changes, change{kind: warned, vertex: v, text: string(w.Short)})
		}
	}
	for _, v := range e.status.Vertexes {
		changes = append(changes, p.finish(v, now)...)
	}
	if e.ended {
		p.ended, p.err = now, e.err
		changes = append(changes, change{kind: ended})
	}
	return changes
}

// begin takes the start of a vertex, which may start again after it ended.
func (p *part) begin(s *buildkit.Vertex, now time.Time) []change {
	if s.Started == nil {
		return nil
	}
	v := p.vertices[s.Digest]
	if v != nil && (v.ended.IsZero() || !s.Started.After(v.start)) {
		return nil
	}
	if v == nil {
		v = &vertex{part: p, number: len(p.vertices) + 1, name: s.Name, transfers: map[string]buildkit.VertexStatus{}}
		p.vertices[s.Digest] = v
	}
	if p.begun.IsZero() {
		p.begun = now
	}
	v.begun, v.ended, v.start = now, time.Time{}, *s.Started
	p.started = append(p.started, v)
	return []change{{kind: began, vertex: v}}
}

func (p *part) finish(s *buildkit.Vertex, now time.Time) []change {
	v := p.vertices[s.Digest]
	if v == nil || s.Completed == nil || !v.ended.IsZero() {
		return nil
	}
	v.ended, v.took, v.cached, v.err = now, s.Completed.Sub(v.start), s.Cached, s.Error
	return []change{{kind: finished, vertex: v}}
}

func (v *vertex) move(s buildkit.VertexStatus) {
	if _, known := v.transfers[s.ID]; !known {
		v.order = append(v.order, s.ID)
	}
	v.transfers[s.ID] = s
}

// say takes lines that were said at one time.
func (v *vertex) say(l *buildkit.VertexLog) []change {
	var changes []change
	for line := range strings.Lines(string(l.Data)) {
		line = strings.TrimRight(line, "\n")
		v.tail = append(v.tail, line)
		changes = append(changes, change{kind: said, vertex: v, text: line, at: l.Timestamp.Sub(v.start)})
	}
	if extra := len(v.tail) - tailLines; extra > 0 {
		v.tail = append([]string(nil), v.tail[extra:]...)
	}
	return changes
}

// bytes returns how much a vertex moved, and of how much; a total of 0 is
// unknown.
func (v *vertex) bytes() (current, total int64) {
	known := true
	for _, s := range v.transfers {
		current += s.Current
		total += s.Total
		known = known && s.Total > 0
	}
	if !known {
		total = 0
	}
	return current, total
}

// failed says whether the vertex broke, and was not just stopped because
// another one did.
func (v *vertex) failed() bool { return v.err != "" && !stopped(v.err) }

func stopped(err string) bool { return strings.HasSuffix(err, "context canceled") }
