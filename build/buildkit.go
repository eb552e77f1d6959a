package build

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"fmt"
	"net"
	"sync"
	"time"

	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/contexts"
)

// stopGrace is how long a cancelled build may take to end in good order before
// its connection is cut.
const stopGrace = 3 * time.Second

// buildKit builds with the BuildKit inside an engine.
type buildKit struct {
	credentials Credentials
	tokens      Tokens
}

// Build implements builder.
func (b *buildKit) Build(ctx context.Context, req Request, a Assignment, w *progress.Writer) (Image, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	client, err := dialBuildKit(ctx, a.Node)
	if err != nil {
		return Image{}, blame(ctx, a.Node, err)
	}
	defer func() { _ = client.Close() }()
	view := req.Context.View(fail)
	files, auth, err := b.serve(req, a, view, fail, w)
	if err != nil {
		return Image{}, err
	}
	if req, err = withHostGateway(ctx, req, a.Node, client); err != nil {
		return Image{}, err
	}
	var response *buildkit.SolveResponse
	err = solve(ctx, client, w, func(events chan *buildkit.SolveStatus) (err error) {
		response, err = client.Solve(ctx, nil, solveOpt(req, a, files, auth), events)
		return err
	})
	if err != nil {
		// What the session saw is nearer the truth than what the engine
		// made of it.
		if cause := cmp.Or(view.Err(), context.Cause(ctx)); cause != nil {
			return Image{}, cause
		}
		return Image{}, blame(ctx, a.Node, err)
	}
	image := Image{}
	image.Sent, image.Bytes = view.Sent()
	if len(req.Outputs) > 0 {
		return image, nil
	}
	image.ID = digest.Digest(response.ExporterResponse[exptypes.ExporterImageDigestKey])
	if image.ID.Validate() != nil {
		return Image{}, fmt.Errorf("building: %w", ErrNoVerdict)
	}
	return image, nil
}

// serve is what the session of a build or a question gives the node: files, and
// what it needs for registries.
func (b *buildKit) serve(req Request, a Assignment, view *source.View, fail context.CancelCauseFunc, w *progress.Writer) (mounts, *sessionAuth, error) {
	access, err := req.Access(a.Platform)
	if err != nil {
		return mounts{}, nil, err
	}
	auth, err := b.auth(access, fail, w)
	if err != nil {
		return mounts{}, nil, err
	}
	files, err := newMounts(req, view, fail)
	return files, auth, err
}

// auth answers for the registries of what a build needs, and shows once what was
// given.
func (b *buildKit) auth(access accesses, fail context.CancelCauseFunc, w *progress.Writer) (*sessionAuth, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	var shown sync.Map
	given := func(what string) {
		if _, before := shown.LoadOrStore(what, true); !before {
			_ = w.Start("[auth] " + what + " is given to this node").Done(nil)
		}
	}
	return &sessionAuth{credentials: b.credentials, tokens: b.tokens, access: access, key: key, fail: fail, given: given}, nil
}

// dialBuildKit reaches BuildKit through the engine's own API. Engines offer
// gRPC on a hijacked connection at /grpc, and take the client's session the
// same way at /session.
func dialBuildKit(ctx context.Context, n *contexts.Node) (*buildkit.Client, error) {
	dial := func(ctx context.Context, _ string) (net.Conn, error) {
		return n.Client().DialHijack(ctx, "/grpc", "h2c", nil)
	}
	session := func(ctx context.Context, proto string, meta map[string][]string) (net.Conn, error) {
		return n.Client().DialHijack(ctx, "/session", proto, meta)
	}
	c, err := buildkit.New(ctx, "", buildkit.WithContextDialer(dial), buildkit.WithSessionDialer(session))
	if err != nil {
		return nil, fmt.Errorf("connecting to BuildKit: %w", err)
	}
	return c, nil
}

// solve has run build, and passes the events on, which run closes. When ctx ends
// the engine is told to stop, and after stopGrace it is no longer waited for.
func solve(ctx context.Context, c *buildkit.Client, w *progress.Writer, run func(events chan *buildkit.SolveStatus) error) error {
	events := make(chan *buildkit.SolveStatus)
	shown := make(chan struct{})
	var base baseImages
	go func() {
		defer close(shown)
		for e := range events {
			base.watch(e)
			w.Status(e)
		}
	}()
	ended := make(chan struct{})
	cut := make(chan struct{})
	go func() {
		defer close(cut)
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		select {
		case <-ended:
		case <-time.After(stopGrace):
			_ = c.Close()
		}
	}()
	err := run(events)
	close(ended)
	<-cut
	<-shown
	return base.explain(err)
}
