package builder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// ErrCheck is returned when a check of the Dockerfile found something.
var ErrCheck = errors.New("the Dockerfile has warnings")

// readCall takes --call QUESTION[,format=json] and its shorthand --check.
func (o *options) readCall() error {
	if o.check {
		o.call = "check"
	}
	question, format, _ := strings.Cut(o.call, ",")
	switch {
	case o.call == "" || o.call == "build":
		o.call = ""
		return nil
	case !slices.Contains(build.Calls(), question):
		return argument.Wrong(fmt.Errorf("invalid --call %q, must be build or one of %s", o.call, strings.Join(build.Calls(), ", ")))
	case format != "" && format != "format=json":
		return argument.Wrong(fmt.Errorf("invalid --call %q: only format=json is known", o.call))
	case o.publishes():
		return argument.Wrong(errors.New("--call builds nothing that could be pushed"))
	}
	o.call, o.callJSON = question, format != ""
	return nil
}

// callFrontend asks about the Dockerfile of each platform's assignment; where one
// Dockerfile serves all, once.
func (s *session) callFrontend(ctx context.Context) (err error) {
	display, err := progress.New(s.cli.Err(), progress.Options{Mode: progress.Quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, display.Wait()) }()
	runner := &build.Runner{Display: display, Credentials: s.credentials.Lookup, Tokens: s.tokens}
	var errs []error
	asked := map[string]bool{}
	for _, a := range s.plan {
		request := s.requests[platformKey(a.Platform)]
		if asked[string(request.Dockerfile.Content)] {
			continue
		}
		asked[string(request.Dockerfile.Content)] = true
		result, err := runner.Call(ctx, request, a)
		if answer := s.input.options.answer(result, err); answer != "" {
			_, printErr := fmt.Fprintln(s.cli.Out(), answer)
			err = errors.Join(err, printErr)
		}
		if err != nil {
			return s.diagnose(ctx, err)
		}
		if result.Status != 0 {
			errs = append(errs, ErrCheck)
		}
	}
	return errors.Join(errs...)
}

// answer is what is shown of a result. The frontend has no words for a Dockerfile
// without warnings; these are docker build's.
func (o *options) answer(r build.CallResult, failed error) string {
	switch {
	case o.callJSON:
		// The Dockerfile is in it, on one line that may be long.
		return strings.TrimRight(progress.Printable(string(r.JSON)), "\n")
	case len(r.Text) == 0 && o.call == "check" && failed == nil:
		return "Check complete, no warnings found."
	}
	return strings.TrimRight(progress.Clean(string(r.Text)), "\n")
}
