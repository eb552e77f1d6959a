package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	buildkit "github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/errdefs"

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
// Dockerfile instead of building it. A check that meets what would fail the
// build ends with that error, beside the result that it came to before.
func (r *Runner) Call(ctx context.Context, req Request, a Assignment) (result CallResult, err error) {
	ctx, release := watch(ctx, a.Node)
	defer release()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	client, err := dialBuildKit(ctx, a.Node)
	if err != nil {
		return result, a.failed(ctx, req.Call, blame(ctx, a.Node, err))
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
			result, err = newCallResult(req.Call, answer.Metadata)
			return gateway.NewResult(), err
		}, events)
		return err
	})
	if err != nil {
		return result, a.failed(ctx, req.Call, blame(ctx, a.Node, err))
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

func newCallResult(question string, metadata map[string][]byte) (CallResult, error) {
	result := CallResult{Text: metadata["result.txt"], JSON: metadata["result.json"]}
	if text, ok := metadata["result.statuscode"]; ok {
		status, err := strconv.Atoi(string(text))
		if err != nil {
			return result, fmt.Errorf("status %q: %w", text, err)
		}
		result.Status = status
	}
	if question != "check" {
		return result, nil
	}
	return result, checkError(result.JSON)
}

// checkError is the error in the result of a check, which is not in its text.
func checkError(raw []byte) error {
	var results lint.LintResults
	if err := json.Unmarshal(raw, &results); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if results.Error == nil {
		return nil
	}
	err := errors.New(progress.Clean(results.Error.Message))
	if i := int(results.Error.Location.SourceIndex); i >= 0 && i < len(results.Sources) {
		err = errdefs.WithSource(err, &errdefs.Source{Info: results.Sources[i], Ranges: results.Error.Location.Ranges})
	}
	return err
}
