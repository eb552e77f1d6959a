package build

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/credential"
)

// Image is what a build left in an engine's image store.
type Image struct {
	// ID is the engine's image ID: the digest of the config with a graph
	// driver, of the manifest or index with containerd's store.
	ID digest.Digest
	// Sent are the files of the build context that the node was sent, in
	// order; what else it needed it had. Bytes is their size.
	Sent  []string
	Bytes int64
}

// Pushed is an image that was pushed, as the engine reports it, or the relay.
type Pushed struct {
	// Reference has a tag, unless the image was pushed by its digest alone.
	Reference reference.Named
	Digest    digest.Digest
}

// Result is what became of one assignment.
type Result struct {
	Assignment
	Image  Image
	Pushed []Pushed
	// Steps is how many instructions of the Dockerfile were carried out, and
	// Cached how many of them were in the node's cache.
	Steps, Cached int
	// Retried are the failures of the build and of pushes that were tried again.
	Retried []error
	// BuildTime and so on are how long the phases took.
	BuildTime, VerifyTime, TestTime, PushTime time.Duration
	// Lost are the failures of nodes that had the platform before, each a
	// *NodeError.
	Lost []error
	// Left are containers that could not be removed, and images on nodes that
	// had the platform before.
	Left error
	// Err is why this platform failed, a *NodeError; nil when it did not.
	Err error
}

// builder builds one platform's image on one node and leaves it in the node's
// image store under the assignment's names.
type builder interface {
	Build(ctx context.Context, req Request, a Assignment, w *progress.Writer) (Image, error)
}

// Runner carries out a plan.
type Runner struct {
	// Display takes all progress.
	Display *progress.Display
	// Credentials are those of registries. Where Tokens has a token for what a
	// build needs of one, a node gets that instead while it builds.
	Credentials Credentials
	Tokens      Tokens
	// KeepGoing has the other platforms finish when one fails.
	KeepGoing bool
	// Spare returns further nodes, when those of a plan are lost. It is
	// called by several platforms at once.
	Spare func(ctx context.Context) contexts.Nodes
	// Wake, if set, has a node ready before it builds, and returns it as it is
	// then. It is called once for each node, for several at once.
	Wake func(ctx context.Context, n *contexts.Node) (*contexts.Node, error)
	// Fits checks the files of a built image, which it opens at most once,
	// before anything else is done with it; nil checks nothing. What it
	// returns beside goes on while the image is tested and pushed, until its
	// context ends at the latest.
	Fits func(ctx context.Context, a Assignment, open func() (*Contents, error)) (beside func(context.Context), err error)
	// Relay takes the images over of nodes that don't push themselves; nil
	// where nothing is pushed.
	Relay Relay
	// Verify checks that what the node pushed is the image that it built.
	// ErrOtherImage says that it is another one, and has the push repeated.
	Verify func(ctx context.Context, a Assignment, image Image, pushed Pushed) error
	// Resolve tells what a tag has now. It is asked for what an engine could not
	// push because the tag is immutable.
	Resolve func(ctx context.Context, name reference.Named) (digest.Digest, error)
}

// Run carries out the assignments of plan, those of different nodes at once,
// and returns their results in the order of the plan. A platform whose node is
// lost goes to the next node that can build it. Any other failure stops
// everything else, unless KeepGoing says otherwise; the first is the error
// returned, and what it stopped says so in its result.
func (r *Runner) Run(ctx context.Context, requests Requests, plan Plan) ([]Result, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	results := make([]Result, len(plan))
	nodes := newSchedule()
	var running sync.WaitGroup
	for i, a := range plan {
		w := r.writer(a, a.Node.Name) // in the order of the plan
		running.Go(func() {
			results[i] = r.platform(ctx, requests, a, nodes, w)
			if results[i].Err != nil && !r.KeepGoing && !a.Optional {
				stop(results[i].Err)
			}
		})
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return results, err
	}
	return results, failures(results)
}

// failures joins the errors that fail a run: those of platforms that may not be
// missing, or all if nothing was built.
func failures(results []Result) error {
	fatal, all := make([]error, 0, len(results)), make([]error, 0, len(results))
	built := false
	for _, res := range results {
		built = built || res.Err == nil
		all = append(all, res.Err)
		if !res.Optional {
			fatal = append(fatal, res.Err)
		}
	}
	if !built {
		return errors.Join(all...)
	}
	return errors.Join(fatal...)
}

// platform builds and pushes one platform, on one node after the other as long
// as nodes are lost.
func (r *Runner) platform(ctx context.Context, requests Requests, a Assignment, nodes *schedule, w *progress.Writer) Result {
	var lost []error
	var left error
	for {
		node, err := nodes.take(ctx, a.Able, a.Platform)
		if err != nil {
			w.Done(err)
			return Result{Assignment: a, Lost: lost, Left: left, Err: a.failed(ctx, "build", err)}
		}
		if node != a.Node {
			// There another platform's image may have the targets' names.
			a.Node, a.Match, a.Targets = node, node.Match(a.Platform), nil
		}
		w.On(node.Name)
		res := r.awake(ctx, requests, a, nodes, w)
		w.Done(errors.Unwrap(res.Err)) // the display knows where
		res.Lost, res.Left = lost, errors.Join(left, res.Left)
		gone := nodeFailure(ctx, res.Err)
		nodes.give(node, gone)
		if gone == nil {
			return res
		}
		if !nodes.others(a.Able) {
			a.Able = append(a.Able, r.Spare(ctx).Best(a.Platform)...)
		}
		if !nodes.others(a.Able) {
			return res
		}
		lost, left = append(lost, res.Err), errors.Join(res.Left, res.Image.left(node))
		w = r.writer(a, "")
	}
}

// left says that an image stays on a node that is lost, if there is one.
func (i Image) left(n *contexts.Node) error {
	if i.ID == "" {
		return nil
	}
	return fmt.Errorf("image %s is left on node %s", i.ID, n.Name)
}

// writer begins the part of the display that an assignment has on a node.
func (r *Runner) writer(a Assignment, node string) *progress.Writer {
	return r.Display.Writer(platforms.FormatAll(a.Platform), node)
}

// nodeFailure returns err if it is the node's and not the build's, so that
// another node may do better. A build that was stopped is neither.
func nodeFailure(ctx context.Context, err error) error {
	_, unable := errors.AsType[*UnsupportedError](err)
	if ctx.Err() == nil && (unable || errors.Is(err, ErrNodeLost) || errors.Is(err, ErrNodeFull) || errors.Is(err, ErrExposed)) {
		return err
	}
	return nil
}

// awake builds and pushes one platform on the node of the assignment, which is
// started first if it sleeps. A node that does not start is lost.
func (r *Runner) awake(ctx context.Context, requests Requests, a Assignment, nodes *schedule, w *progress.Writer) Result {
	if r.Wake != nil {
		node, err := nodes.wake(a.Node, func() (*contexts.Node, error) { return r.wake(ctx, a, w) })
		if err != nil {
			return Result{Assignment: a, Err: a.failed(ctx, "start", fmt.Errorf("%w: %w", ErrNodeLost, err))}
		}
		a.Node = node
	}
	return r.one(ctx, requests(a), a, w)
}

// wake shows that the node of the assignment is started, if it sleeps.
func (r *Runner) wake(ctx context.Context, a Assignment, w *progress.Writer) (*contexts.Node, error) {
	if !a.Node.Asleep {
		return r.Wake(ctx, a.Node)
	}
	step := w.Start("starting node " + a.Node.Name)
	node, err := r.Wake(ctx, a.Node)
	return node, step.Done(err)
}

// one builds, checks, tests and pushes one platform on the node of the assignment.
func (r *Runner) one(ctx context.Context, req Request, a Assignment, w *progress.Writer) (res Result) {
	res = Result{Assignment: a}
	ctx, release := watch(ctx, a.Node)
	defer release()
	// The plan was checked, but not for a node that took over.
	if err := a.Check(req); err != nil {
		res.Err = a.failed(ctx, "build", err)
		return res
	}
	var look looking
	defer func() { res.Left = look.end(ctx, res.Err != nil) }()
	for _, phase := range []struct {
		op   string
		run  func() error
		time *time.Duration
	}{
		{"build", func() error { return r.build(ctx, req, &res, w) }, &res.BuildTime},
		{"verify", func() (err error) { look, err = r.look(ctx, req, a, res.Image, w); return err }, &res.VerifyTime},
		{"test", func() error { return req.Tests.all(ctx, a, res.Image, w) }, &res.TestTime},
		{"push", func() error { return r.pushAll(ctx, req, &res, w) }, &res.PushTime},
	} {
		started := time.Now()
		err := phase.run()
		*phase.time = time.Since(started)
		if err != nil {
			res.Err = a.failed(ctx, phase.op, err)
			return res
		}
	}
	return res
}

// build builds the image, and once more from the node's cache if the node lost it.
func (r *Runner) build(ctx context.Context, req Request, res *Result, w *progress.Writer) error {
	err := r.buildOnce(ctx, req, res, w)
	first := res.Image
	res.Steps, res.Cached = w.Steps()
	if errors.Is(err, ErrImageLost) {
		err = fmt.Errorf("building: %w", err)
		res.Retried = append(res.Retried, err)
		_ = w.Start("again, because: " + err.Error()).Done(nil)
		err = r.buildOnce(ctx, req, res, w)
		res.Image.Sent, res.Image.Bytes = first.Sent, first.Bytes
	}
	return err
}

func (r *Runner) buildOnce(ctx context.Context, req Request, res *Result, w *progress.Writer) (err error) {
	if res.Image, err = r.builder(res.Node).Build(ctx, req, res.Assignment, w); err != nil {
		return err
	}
	return res.Image.there(ctx, res.Assignment)
}

func (r *Runner) builder(n *contexts.Node) builder {
	if n.Engine.Builder == contexts.Classic {
		return &classicBuilder{credentials: r.credentialsFor(n)}
	}
	return r.buildKit(n)
}

func (r *Runner) buildKit(n *contexts.Node) *buildKit {
	return &buildKit{credentials: r.credentialsFor(n), tokens: r.Tokens}
}

// credentialsFor returns the logins as node n may see them: none over plain tcp
// to another host.
func (r *Runner) credentialsFor(n *contexts.Node) Credentials {
	return func(ctx context.Context, host string) (credential.Login, error) {
		login, err := r.Credentials(ctx, host)
		if err == nil && n.Exposed() && !n.Insecure && login.Known() {
			return credential.Login{}, fmt.Errorf("%w: the login for %s, node %s (%s)", ErrExposed, host, n.Name, n.Host)
		}
		return login, err
	}
}

// failed wraps err with where it happened. When the context ended, why it
// ended says more than what broke because of it.
func (a Assignment) failed(ctx context.Context, op string, err error) error {
	cause := context.Cause(ctx)
	var other *NodeError
	switch {
	case errors.As(cause, &other):
		err = fmt.Errorf("stopped: %w", context.Canceled)
	case cause != nil:
		err = cause
	}
	return &NodeError{Node: a.Node.Name, Platform: a.Platform, Op: op, Err: err}
}
