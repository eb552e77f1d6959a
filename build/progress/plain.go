package progress

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/docker/go-units"
)

// plain writes a line for all that happens, with its part in front.
type plain struct {
	out    io.Writer
	failed []*vertex
}

func (p *plain) show(e event, changes []change) {
	for _, c := range changes {
		if text := c.line(e.part); text != "" {
			// A stream that is broken must not end the build.
			_, _ = fmt.Fprintf(p.out, "[%s] %s\n", e.part.label(), text)
		}
		if c.kind == finished && c.vertex.failed() {
			p.failed = append(p.failed, c.vertex)
		}
	}
}

func (*plain) draw(time.Time) {}

func (p *plain) close(time.Time) error {
	printFailures(p.out, p.failed)
	return nil
}

// line is a change as one line of text, without its part, or "" for what is too
// small to be told.
func (c change) line(p *part) string {
	v := c.vertex
	switch c.kind {
	case began:
		return fmt.Sprintf("#%d %s", v.number, v.name)
	case said:
		return fmt.Sprintf("#%d %.3f %s", v.number, c.at.Seconds(), c.text)
	case warned:
		return fmt.Sprintf("#%d WARNING: %s", v.number, c.text)
	case moved:
		if c.transfer.Completed == nil {
			return ""
		}
		return fmt.Sprintf("#%d %s %s", v.number, c.transfer.ID, cmp.Or(amount(c.transfer.Current, c.transfer.Total), "done"))
	case finished:
		return fmt.Sprintf("#%d %s", v.number, v.outcome())
	case ended:
		return p.outcome()
	}
	return ""
}

// outcome is how a vertex ended, in the words of docker build.
func (v *vertex) outcome() string {
	switch {
	case v.failed():
		return "ERROR: " + CleanLine(v.err)
	case v.err != "", v.ended.IsZero():
		return "CANCELED"
	case v.cached:
		return "CACHED"
	}
	return "DONE " + seconds(v.took)
}

// outcome is how a part ended.
func (p *part) outcome() string {
	took := seconds(p.ended.Sub(p.begun))
	switch {
	case p.err == nil && p.begun.IsZero():
		return "DONE"
	case p.err == nil:
		return "DONE " + took
	case errors.Is(p.err, context.Canceled):
		return "CANCELED"
	}
	return "ERROR: " + CleanLine(p.err.Error())
}

// printFailures shows the last lines of what failed once more, where they are
// found: at the end.
func printFailures(out io.Writer, failed []*vertex) {
	for _, v := range failed {
		_, _ = fmt.Fprintf(out, "------\n > [%s] %s:\n", v.part.label(), v.name)
		for _, line := range v.tail {
			_, _ = fmt.Fprintln(out, line)
		}
		_, _ = fmt.Fprintln(out, "------")
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", max(d, 0).Seconds()) }

// amount says how many bytes of how many, and nothing of none. A total of 0 is
// unknown, and so is one that was passed: engines count some layers' archives, and
// announce the sizes of the files in them.
func amount(current, total int64) string {
	switch {
	case current == 0 && total == 0:
		return ""
	case current > total:
		return units.HumanSize(float64(current))
	}
	return units.HumanSize(float64(current)) + " / " + units.HumanSize(float64(total))
}
