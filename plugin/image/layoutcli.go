package image

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"

	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/streams"

	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
	"github.com/docker-multiarch/docker-multiarch/plugin/registry"
)

// renamed is a command line on which layouts have the names that the user gave
// them. Results are shown when all is done.
type renamed struct {
	command.Cli

	layouts  *layouts
	held     *bytes.Buffer
	out, err *streams.Out
}

// Out is where results are held.
func (r *renamed) Out() *streams.Out { return r.out }

// Err is standard error.
func (r *renamed) Err() *streams.Out { return r.err }

// Write implements io.Writer, for standard error.
func (r *renamed) Write(p []byte) (int, error) {
	_, err := r.layouts.names().WriteString(r.Cli.Err(), string(p))
	return len(p), err
}

// withLayouts has work do what it does. It gets images in layouts as names for the
// registry client; to the user they are shown as he wrote them. With dry nothing is
// written.
func withLayouts(ctx context.Context, dockerCLI command.Cli, client *manifest.Registry, dry bool, work func(*layouts, command.Cli) error) error {
	l := &layouts{registry: client, dry: dry, open: map[string]attached{}, written: map[string]*layout.Dir{}, seen: map[string]os.FileInfo{}}
	r := &renamed{Cli: dockerCLI, layouts: l, held: &bytes.Buffer{}}
	r.out, r.err = streams.NewOut(r.held), streams.NewOut(r)
	r.out.SetIsTerminal(dockerCLI.Out().IsTerminal())
	r.err.SetIsTerminal(dockerCLI.Err().IsTerminal())
	err := work(l, r)
	_, some := errors.AsType[*registry.PartialError](err)
	if failed := l.close(ctx, err == nil || some); failed != nil {
		return errors.Join(l.explain(err), failed)
	}
	_, failed := l.names().WriteString(dockerCLI.Out(), r.held.String())
	return errors.Join(l.explain(err), failed)
}

// names gives text the names that the user knows.
func (l *layouts) names() *strings.Replacer { return strings.NewReplacer(l.shown...) }

// explain does so for an error.
func (l *layouts) explain(err error) error {
	if err == nil || len(l.open) == 0 {
		return err
	}
	return &layoutError{text: l.names().Replace(err.Error()), err: err}
}

// layoutError is an error in other words.
type layoutError struct {
	text string
	err  error
}

func (e *layoutError) Error() string { return e.text }
func (e *layoutError) Unwrap() error { return e.err }
