package build

import (
	"context"
	"fmt"
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
func (r *Runner) Call(ctx context.Context, req Request, a Assignment) (result CallResult, err error) {
	ctx, release := watch(ctx, a.Node)
	defer release()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	client, err := dialBuildKit(ctx, a.Node)
	if err != nil {
		return result, blame(ctx, a.Node, err)
	}
	defer func() { _ = client.Close() }()
	w := r.writer(a, a.Node.Name)
	opt, err := r.callOpt(req, a, fail, w)
	if err != nil {
		return result, err
	}
	frontend, attrs := opt.Frontend, opt.FrontendAttrs
	opt.Frontend, opt.FrontendAttrs = "", nil
	err = solve(ctx, client, w, func(events chan *buildkit.SolveStatus) error {
		_, err := client.Build(ctx, opt, "", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
			answer, err := c.Solve(ctx, gateway.SolveRequest{Frontend: frontend, FrontendOpt: attrs})
			if err != nil {
				return nil, err
			}
			result, err = newCallResult(answer.Metadata)
			return gateway.NewResult(), err
		}, events)
		return err
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return result, cause
	}
	if err != nil {
		return result, blame(ctx, a.Node, fmt.Errorf("asking the Dockerfile frontend of %s: %w", a.Node.Name, err))
	}
	return result, nil
}

// callOpt is what a build's options become for a question: nothing is exported.
func (r *Runner) callOpt(req Request, a Assignment, fail context.CancelCauseFunc, w *progress.Writer) (buildkit.SolveOpt, error) {
	files, auth, err := r.buildKit(a.Node).serve(req, a, req.Context.View(fail), fail, w)
	if err != nil {
		return buildkit.SolveOpt{}, err
	}
	opt := solveOpt(req, a, files, auth)
	opt.Exports, opt.CacheExports = nil, nil
	opt.FrontendAttrs["requestid"] = callRequests[req.Call]
	return opt, nil
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
