package progress

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/containerd/console"
	"github.com/mattn/go-runewidth"
	"github.com/morikuni/aec"
)

// screen is a terminal to draw on; console.Console is one.
type screen interface {
	io.Writer
	Size() (console.WinSize, error)
}

// terminal draws a line for each part, and the last lines of what it runs where
// there is room, again and again at the same place.
//
// Each drawing is one write, at the end of which the cursor is visible and below
// the drawing: whatever ends the process leaves the terminal as it was. Lines are
// overwritten, not erased first, so nothing flickers.
type terminal struct {
	screen screen
	colour bool
	begun  time.Time
	parts  []*part
	// drawn are the widths of the lines on the screen.
	drawn  []int
	failed []*vertex
}

func newTerminal(s screen, colour bool) *terminal {
	return &terminal{screen: s, colour: colour, begun: time.Now()}
}

func (t *terminal) show(e event, changes []change) {
	if !slices.Contains(t.parts, e.part) {
		t.parts = append(t.parts, e.part)
	}
	// What is no node's is what all nodes work for, and stands below them.
	slices.SortStableFunc(t.parts, func(a, b *part) int { return cmp.Compare(nodeless(a), nodeless(b)) })
	for _, c := range changes {
		if c.kind == finished && c.vertex.failed() {
			t.failed = append(t.failed, c.vertex)
		}
	}
}

func (t *terminal) draw(now time.Time) {
	if len(t.parts) == 0 {
		return
	}
	width, height := t.size()
	t.print(t.frame(now, width, height), width)
}

// close draws all parts that began, however many, since nothing is drawn over
// them any more.
func (t *terminal) close(now time.Time) error {
	t.parts = slices.DeleteFunc(t.parts, func(p *part) bool { return p.rank() == waits })
	if len(t.parts) == 0 {
		return nil
	}
	width, _ := t.size()
	t.print(t.frame(now, width, len(t.parts)+2), width)
	printFailures(t.screen, t.failed)
	return nil
}

// size is that of the terminal now. Some know none, and say 0.
func (t *terminal) size() (width, height int) {
	size, err := t.screen.Size()
	if err != nil || size.Width == 0 || size.Height == 0 {
		return 80, 24
	}
	return int(size.Width), int(size.Height)
}

// print draws lines over those that are on the screen.
func (t *terminal) print(lines []line, width int) {
	var b strings.Builder
	b.WriteString(aec.Hide.String())
	// A terminal that became narrower broke the lines that were too long.
	up := 0
	for _, drawn := range t.drawn {
		up += 1 + max(drawn-1, 0)/width
	}
	if up > 0 {
		b.WriteString(aec.Up(uint(up)).String())
	}
	t.drawn = t.drawn[:0]
	for _, l := range lines {
		text := l.text
		if t.colour && l.colour != nil {
			text = aec.Apply(text, l.colour)
		}
		b.WriteString("\r" + text + aec.EraseLine(aec.EraseModes.Tail).String() + "\n")
		t.drawn = append(t.drawn, runewidth.StringWidth(l.text))
	}
	b.WriteString("\r" + aec.EraseDisplay(aec.EraseModes.Tail).String() + aec.Show.String())
	// A stream that is broken must not end the build.
	_, _ = io.WriteString(t.screen, b.String())
}

// line is a line of a frame, narrower than the terminal.
type line struct {
	text   string
	colour aec.ANSI
}

// frame is what to draw on a terminal of a size: at most height-1 lines, so that
// nothing scrolls.
func (t *terminal) frame(now time.Time, width, height int) []line {
	done := 0
	for _, p := range t.parts {
		if !p.ended.IsZero() {
			done++
		}
	}
	state := ""
	if done == len(t.parts) {
		state = " FINISHED"
	}
	lines := []line{{text: cut(fmt.Sprintf("[+] Building %s (%d/%d)%s", seconds(now.Sub(t.begun)), done, len(t.parts), state), width-1)}}
	parts, hidden := t.visible(height - 2)
	tail := t.tailHeight(parts, height-2-len(parts))
	for _, p := range parts {
		lines = append(lines, p.line(now, t.labelWidth(width), width-1))
		lines = append(lines, p.tail(tail, width-1)...)
	}
	if hidden > 0 {
		lines = append(lines, line{text: cut(fmt.Sprintf(" => and %d more", hidden), width-1)})
	}
	return lines
}

// visible returns the parts that room lines have room for: those that run first.
func (t *terminal) visible(room int) (visible []*part, hidden int) {
	if len(t.parts) <= room {
		return t.parts, 0
	}
	ordered := slices.Clone(t.parts)
	slices.SortStableFunc(ordered, func(a, b *part) int { return cmp.Compare(a.rank(), b.rank()) })
	room = max(room-1, 0)
	return ordered[:room], len(ordered) - room
}

func nodeless(p *part) int {
	if p.node == "" {
		return 1
	}
	return 0
}

// rank puts what needs to be seen first.
func (p *part) rank() rank {
	switch {
	case !p.ended.IsZero():
		return over
	case len(p.started) == 0:
		return waits
	}
	return runs
}

type rank int

const (
	runs rank = iota
	waits
	over
)

// maxTail is how many of a part's last lines are shown below it.
const maxTail = 4

// tailHeight divides the free lines among the parts that run.
func (*terminal) tailHeight(parts []*part, free int) int {
	running := 0
	for _, p := range parts {
		if p.rank() == runs {
			running++
		}
	}
	if running == 0 {
		return 0
	}
	return min(max(free, 0)/running, maxTail)
}

// labelWidth is how wide the column of labels is: no more than a third.
func (t *terminal) labelWidth(width int) int {
	widest := 0
	for _, p := range t.parts {
		widest = max(widest, runewidth.StringWidth(p.label()))
	}
	return min(widest, width/3)
}

// secondsWidth is that of the column of seconds, so that what stands before does
// not move with each digit more.
const secondsWidth = len(" 1234.5s")

// line is the part's line: " => linux/arm64 pi  step 2/5  RUN make    3.2s".
func (p *part) line(now time.Time, labelWidth, width int) line {
	phase, text := p.status(now)
	right := ""
	if took := p.running(now); took > 0 {
		right = fmt.Sprintf("%*s", secondsWidth, seconds(took))
	}
	left := " => " + runewidth.FillRight(cut(p.label(), labelWidth), labelWidth) + "  " + runewidth.FillRight(phase, len("step 10/10"))
	left = strings.TrimRight(left+" "+text, " ")
	room := max(width-len(right), 0)
	return line{text: cut(runewidth.FillRight(cut(left, room), room)+right, width), colour: p.colour()}
}

// colour is that of docker build: blue for what is done, red for what failed,
// yellow for what was stopped.
func (p *part) colour() aec.ANSI {
	switch phase, _ := p.status(p.ended); {
	case p.ended.IsZero():
		return nil
	case phase == "failed":
		return aec.RedF
	case phase == "stopped":
		return aec.YellowF
	}
	return aec.BlueF
}

// tail are the last lines of what the part runs now, at most height.
func (p *part) tail(height, width int) []line {
	if p.rank() != runs || p.current().err != "" {
		return nil
	}
	said := p.current().tail
	said = said[max(len(said)-height, 0):]
	lines := make([]line, len(said))
	for i, text := range said {
		lines[i] = line{text: cut("    => # "+strings.ReplaceAll(text, "\t", " "), width), colour: aec.Faint}
	}
	return lines
}

// cut makes text no wider than width columns.
func cut(text string, width int) string { return runewidth.Truncate(text, max(width, 0), "…") }
