package builder

import (
	"context"
	"errors"
	"testing"
	"time"

	"gotest.tools/v3/assert"
	"gotest.tools/v3/golden"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

func TestSummary(t *testing.T) {
	d := plugintest.New(t, "default", nil)
	s := pushed(t, "reg.example.com/a", "reg.example.com/b")
	s.cli = d.CLI
	s.results[0].Steps, s.results[0].Cached = 5, 2
	s.results[0].Lost = []error{errors.New("linux/amd64 on old: build: lost the node\x1b[2J")}
	s.results[1].Retried = []error{errors.New("pushing reg.example.com/a:1: 503 Service Unavailable")}
	s.warnings = []string{"b", "a"}

	s.printSummary(t.Context())
	golden.Assert(t, d.Err.String(), "summary.golden")

	// Who wants it quiet gets what did not go as planned.
	for _, mode := range []progress.Mode{progress.Quiet, progress.RawJSON} {
		d.Err.Reset()
		s.input.progress = mode
		s.printSummary(t.Context())
		golden.Assert(t, d.Err.String(), "summary-quiet.golden")
	}
}

func TestSummaryOfImagesThatAreRemoved(t *testing.T) {
	d := plugintest.New(t, "default", nil)
	s := pushed(t, "reg.example.com/a")
	s.cli = d.CLI
	s.input.options.rmImages = true
	s.printSummary(t.Context())
	golden.Assert(t, d.Err.String(), "summary-removed.golden")
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]build.Result{
		"built":      {Steps: 3},
		"1/3 cached": {Steps: 3, Cached: 1},
		"cached":     {Steps: 3, Cached: 3},
		"failed":     {Steps: 3, Err: errors.New("exit code: 1")},
		"stopped":    {Err: &build.NodeError{Err: context.Canceled}},
	} {
		assert.Equal(t, outcome(r), want)
	}
	assert.Equal(t, outcome(build.Result{}), "built", "a FROM alone")
	assert.Equal(t, duration(build.Result{BuildTime: time.Second, PushTime: 1250 * time.Millisecond}), "2.3s")
}
