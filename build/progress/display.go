package progress

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/containerd/console"
	buildkit "github.com/moby/buildkit/client"
)

// Mode is how progress is shown; the words are those of docker build's
// --progress.
type Mode string

// The modes there are. Auto is TTY on a terminal and Plain elsewhere.
const (
	Auto    Mode = "auto"
	Plain   Mode = "plain"
	TTY     Mode = "tty"
	Quiet   Mode = "quiet"
	RawJSON Mode = "rawjson"
	GitHub  Mode = "github"
)

// Modes are all modes, in the order in which help lists them.
var Modes = []Mode{Auto, Plain, TTY, Quiet, RawJSON, GitHub}

// redraw is how often a terminal is drawn anew.
const redraw = 100 * time.Millisecond

// Options are how a Display shows what it is told.
type Options struct {
	Mode Mode
	// LogDir takes the full log of each platform, in a file of its own; it is
	// created. Empty is no log.
	LogDir string
	// Monochrome shows no colours on a terminal.
	Monochrome bool
}

// Display shows the events of all its writers on one stream. Wait must be
// called when all writers are done.
type Display struct {
	events chan event
	// waits is closed when nothing else is to be shown, done when all was.
	waits chan struct{}
	done  chan struct{}
	views []view
	// writers counts the writers that there were.
	writers atomic.Int64
	err     error // of closing the views; read it when done is closed
}

// event is what a Writer passes on: cleaned, and complete lines only.
type event struct {
	part   *part
	node   string // which node does the part, if it is not empty
	status *buildkit.SolveStatus
	// ended says that nothing else comes from this part; err is why it failed.
	ended bool
	err   error
}

// view is one way of showing. All its methods are called by one goroutine.
type view interface {
	// show takes an event and what it changed.
	show(e event, changes []change)
	// draw is called when time has passed.
	draw(now time.Time)
	// close ends the view.
	close(now time.Time) error
}

// New starts a display on out, which has to be a terminal for the mode TTY and
// may be anything for the others.
func New(out io.Writer, o Options) (*Display, error) {
	screen, err := newView(out, o)
	if err != nil {
		return nil, err
	}
	d := &Display{events: make(chan event), waits: make(chan struct{}), done: make(chan struct{})}
	if screen != nil {
		d.views = append(d.views, screen)
	}
	if o.LogDir != "" {
		logs, err := newLogs(o.LogDir)
		if err != nil {
			return nil, err
		}
		d.views = append(d.views, logs)
	}
	go d.run()
	return d, nil
}

// newView returns the view for a mode, which is nil for Quiet.
func newView(out io.Writer, o Options) (view, error) {
	switch o.Mode {
	case Auto, TTY:
		if file, ok := out.(console.File); ok {
			if c, err := console.ConsoleFromFile(file); err == nil {
				return newTerminal(c, !o.Monochrome), nil
			}
		}
		if o.Mode == TTY {
			return nil, fmt.Errorf("--progress=%s: the output is not a terminal", o.Mode)
		}
		return &plain{out: out}, nil
	case Plain:
		return &plain{out: out}, nil
	case GitHub:
		return newGitHub(out), nil
	case RawJSON:
		return newRawJSON(out), nil
	case Quiet:
		return nil, nil //nolint:nilnil // nothing is shown
	default:
		return nil, fmt.Errorf("unknown progress mode %q", o.Mode)
	}
}

// run shows events until there are no more. It takes them all, whatever becomes
// of the views, or writers would wait for ever.
func (d *Display) run() {
	defer close(d.done)
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			for _, v := range d.views {
				v.draw(now)
			}
		case <-d.waits:
			d.close(time.Now())
			return
		case e := <-d.events:
			changes := e.part.take(e, time.Now())
			for _, v := range d.views {
				v.show(e, changes)
			}
		}
	}
}

func (d *Display) close(now time.Time) {
	for _, v := range d.views {
		d.err = errors.Join(d.err, v.close(now))
	}
}

// send passes an event on to be shown.
func (d *Display) send(e event) {
	select {
	case d.events <- e:
	case <-d.done: // who answers an engine may learn last that its build has ended
	}
}

// Wait ends the display and returns when everything was shown. What writers are
// told later is not. The error is that of writing the log files.
func (d *Display) Wait() error {
	close(d.waits)
	<-d.done
	return d.err
}
