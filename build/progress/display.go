package progress

import (
	"context"
	"fmt"
	"io"

	"github.com/containerd/console"
	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
)

// Mode is how progress is shown; the words are those of docker build's
// --progress.
type Mode = progressui.DisplayMode

// Quiet shows nothing, Plain everything line by line.
const (
	Quiet = progressui.QuietMode
	Plain = progressui.PlainMode
)

// Modes are the modes there are, in the order in which help lists them.
var Modes = []Mode{progressui.AutoMode, progressui.PlainMode, progressui.TtyMode, progressui.QuietMode, progressui.RawJSONMode}

// Display shows the events of all its writers on one stream. Wait must be
// called when all writers are done.
type Display struct {
	events chan *buildkit.SolveStatus
	done   chan struct{}
}

// New starts a display on out, which has to be a terminal for the mode tty and
// may be anything for the others.
func New(out io.Writer, mode Mode) (*Display, error) {
	if f, ok := out.(console.File); ok && mode == progressui.AutoMode {
		if _, err := console.ConsoleFromFile(f); err != nil {
			mode = progressui.PlainMode
		}
	}
	ui, err := progressui.NewDisplay(out, mode)
	if err != nil {
		return nil, fmt.Errorf("--progress=%s needs a terminal: %w", mode, err)
	}
	d := &Display{events: make(chan *buildkit.SolveStatus), done: make(chan struct{})}
	go func() {
		defer close(d.done)
		// Never cancelled: it ends when the events do, and must take
		// them all, or writers would wait for ever.
		_, err := ui.UpdateFrom(context.Background(), d.events)
		for err != nil {
			if _, open := <-d.events; !open {
				return
			}
		}
	}()
	return d, nil
}

// Wait ends the display and returns when everything was shown. No writer may
// be used any more.
func (d *Display) Wait() {
	close(d.events)
	<-d.done
}
