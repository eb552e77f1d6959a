package progress

import (
	"encoding/json"
	"io"
	"time"

	buildkit "github.com/moby/buildkit/client"
)

// rawJSON writes each event as one line; docs/progress.md says what is in it.
type rawJSON struct{ out *json.Encoder }

// jsonEvent is BuildKit's event and where it happened.
type jsonEvent struct {
	Part string `json:"part"`
	Node string `json:"node,omitempty"`
	*buildkit.SolveStatus
	// Ended says that this is the part's last event, and Error why it failed.
	Ended bool   `json:"ended,omitempty"`
	Error string `json:"error,omitempty"`
}

func newRawJSON(out io.Writer) *rawJSON { return &rawJSON{json.NewEncoder(out)} }

func (r *rawJSON) show(e event, _ []change) {
	j := jsonEvent{Part: e.part.name, Node: e.part.node, SolveStatus: e.status, Ended: e.ended}
	if e.err != nil {
		j.Error = Clean(e.err.Error())
	}
	// A stream that is broken must not end the build.
	_ = r.out.Encode(j)
}

func (*rawJSON) draw(time.Time) {}

func (*rawJSON) close(time.Time) error { return nil }
