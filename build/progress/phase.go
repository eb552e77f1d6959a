package progress

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// step is the name of a vertex that is an instruction: "[2/5] RUN make", or
// "[stage 2/5] RUN make".
var step = regexp.MustCompile(`^\[(?:(\S+) )?(\d+/\d+)\] (.*)$`)

// phases are the beginnings of the names of other vertices, and what they mean
// to somebody who watches.
var phases = []struct{ prefix, phase string }{
	{"[internal] load build context", "context"},
	{"[internal] ", "load"},
	{"resolve image config for ", "load"},
	{"[auth] ", "load"},
	{"exporting ", "export"},
	{"pushing ", "push"},
	{"publishing ", "publish"},
}

// phase says in a word, and in more words, what a vertex does.
func (v *vertex) phase() (phase, text string) {
	if m := step.FindStringSubmatch(v.name); m != nil {
		return strings.TrimSpace("step " + m[2]), strings.TrimSpace(m[1] + " " + m[3])
	}
	for _, p := range phases {
		if rest, ok := strings.CutPrefix(v.name, p.prefix); ok {
			return p.phase, rest
		}
	}
	return "run", v.name
}

// current is the vertex that tells best what a part does: the last that began
// of those that run, or of all.
func (p *part) current() *vertex {
	for i := len(p.started) - 1; i >= 0; i-- {
		if p.started[i].ended.IsZero() {
			return p.started[i]
		}
	}
	return p.started[len(p.started)-1]
}

// status says in a word, and in more words, what a part does or became.
func (p *part) status(now time.Time) (phase, text string) {
	switch {
	case p.ended.IsZero() && len(p.started) == 0:
		return "waiting", ""
	case p.ended.IsZero():
		v := p.current()
		phase, text = v.phase()
		if moved := v.moved(now); moved != "" {
			text = moved + "  " + text
		}
		return phase, text
	case p.err == nil:
		return "done", ""
	case errors.Is(p.err, context.Canceled):
		return "stopped", ""
	}
	return "failed", CleanLine(p.err.Error())
}

// moved says how many bytes a vertex moved and, while it does, how fast.
func (v *vertex) moved(now time.Time) string {
	current, total := v.bytes()
	if current == 0 {
		return ""
	}
	text := amount(current, total)
	if took := now.Sub(v.begun).Seconds(); v.ended.IsZero() && took >= 1 {
		text += fmt.Sprintf("  %s/s", amount(int64(float64(current)/took), 0))
	}
	return text
}

// running is how long a part has been at it, or was.
func (p *part) running(now time.Time) time.Duration {
	if p.begun.IsZero() {
		return 0
	}
	if !p.ended.IsZero() {
		now = p.ended
	}
	return now.Sub(p.begun)
}
