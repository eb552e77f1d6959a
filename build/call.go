package build

import (
	"context"
	"fmt"
	"maps"
	"strconv"

	buildkit "github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
)

// CallResult is what a Dockerfile frontend says of a Dockerfile.
type CallResult struct {
	// Text is for people, JSON for programs.
	Text, JSON []byte
	// Status is not 0 when something is to be mended.
	Status int
}

// callRequests are the frontend's own names for what it can be asked.
var callRequests = map[string]string{
	"check": "frontend.lint", "outline": "frontend.outline", "targets": "frontend.targets",
}

// Calls are the questions that Call takes.
func Calls() []string { return []string{"check", "outline", "targets"} }

// Call asks the Dockerfile frontend on the node of an assignment about the
// Dockerfile instead of building it.
func Call(ctx context.Context, req Request, a Assignment, w *progress.Writer) (CallResult, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	client, err := dialBuildKit(ctx, a.Node)
	if err != nil {
		return CallResult{}, blame(ctx, a.Node, err)
	}
	defer func() { _ = client.Close() }()
	files, err := newMounts(req, req.Context.View(fail), fail)
	if err != nil {
		return CallResult{}, err
	}
	auth, err := (&buildKit{}).auth(nil, fail, w)
	if err != nil {
		return CallResult{}, err
	}
	opt := solveOpt(req, a, files, auth)
	opt.Exports, opt.CacheExports, opt.Frontend = nil, nil, ""
	attrs := maps.Clone(opt.FrontendAttrs)
	attrs["requestid"] = callRequests[req.Call]
	var result CallResult
	events := make(chan *buildkit.SolveStatus)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		for e := range events {
			w.Status(e)
		}
	}()
	_, err = client.Build(ctx, opt, "", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		r, err := c.Solve(ctx, gateway.SolveRequest{Frontend: "dockerfile.v0", FrontendOpt: attrs})
		if err != nil {
			return nil, err
		}
		result, err = newCallResult(r.Metadata)
		return gateway.NewResult(), err
	}, events)
	<-shown
	if err != nil {
		return result, fmt.Errorf("asking the Dockerfile frontend of %s: %w", a.Node.Name, err)
	}
	return result, nil
}

func newCallResult(metadata map[string][]byte) (CallResult, error) {
	result := CallResult{Text: metadata["result.txt"], JSON: metadata["result.json"]}
	if text, ok := metadata["result.statuscode"]; ok {
		status, err := strconv.Atoi(string(text))
		if err != nil {
			return result, fmt.Errorf("status %q: %w", text, err)
		}
		result.Status = status
	}
	return result, nil
}
