package build

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config/types"
	control "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth"
	"github.com/moby/buildkit/session/filesync"
	"github.com/opencontainers/go-digest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/credential"
)

// runner is a runner that shows nothing and believes every push.
func runner(t *testing.T) *Runner {
	t.Helper()
	display, err := progress.New(&strings.Builder{}, progress.Options{Mode: progress.Quiet})
	assert.NilError(t, err)
	t.Cleanup(func() { assert.NilError(t, display.Wait()) })
	return &Runner{
		Display:     display,
		Credentials: func(context.Context, string) (credential.Login, error) { return credential.Login{}, nil },
		Spare:       func(context.Context) contexts.Nodes { return nil },
		Verify:      func(context.Context, Assignment, Image, Pushed) error { return nil },
		Resolve:     func(context.Context, reference.Named) (digest.Digest, error) { return idOf("left"), nil },
	}
}

// plan makes a plan for nodes and platforms.
func plan(t *testing.T, nodes contexts.Nodes, want Wanted) Plan {
	t.Helper()
	if want.Targets != nil {
		want.PlatformTag = newTemplate(t, "")
	}
	want.OS = "linux"
	p, err := NewPlan(nodes, want)
	assert.NilError(t, err)
	return p
}

func isNodeError(t *testing.T, err error, node, op string) *NodeError {
	t.Helper()
	var nodeError *NodeError
	assert.Assert(t, errors.As(err, &nodeError), "%v", err)
	assert.Equal(t, nodeError.Node, node)
	assert.Equal(t, nodeError.Op, op)
	return nodeError
}

type build = func(context.Context, *control.SolveRequest, session.Caller) (digest.Digest, error)

// untilStopped is a build that lasts until the client gives it up.
func untilStopped(started, stopped chan<- struct{}) build {
	return func(ctx context.Context, _ *control.SolveRequest, _ session.Caller) (digest.Digest, error) {
		close(started)
		<-ctx.Done()
		close(stopped)
		return "", ctx.Err()
	}
}

// failing is a build that fails, once started is closed.
func failing(err error, started <-chan struct{}) build {
	return func(ctx context.Context, _ *control.SolveRequest, _ session.Caller) (digest.Digest, error) {
		select {
		case <-started:
			return "", err
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

var (
	already = func() chan struct{} { c := make(chan struct{}); close(c); return c }()
	errRun  = status.Error(codes.Unknown, `process "/bin/sh -c false" did not complete successfully: exit code: 1`)
	errFull = status.Error(codes.Unknown, "write /var/lib/docker/x: no space left on device")
)

func TestRunBuildsOnAllNodesAtOnceAndReturnsTheResultsInTheOrderOfThePlan(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	all.Add(2)
	together := func(name string) build {
		return func(context.Context, *control.SolveRequest, session.Caller) (digest.Digest, error) {
			all.Done()
			all.Wait() // no build ends before both began
			return idOf(name), nil
		}
	}
	a, b := &engine{Build: together("a")}, &engine{Build: together("b")}
	nodes := contexts.Nodes{b.start(t, "b", "aarch64"), a.start(t, "a", "x86_64")}
	results, err := runner(t).Run(t.Context(), always(request(t)), plan(t, nodes, Wanted{Targets: tags("reg.example.com/app:1")}))
	assert.NilError(t, err)
	assert.Equal(t, len(results), 2)
	for i, name := range []string{"a", "b"} {
		assert.NilError(t, results[i].Err)
		assert.Equal(t, results[i].Node.Name, name)
		assert.Equal(t, results[i].Image.ID, idOf(name))
		assert.Assert(t, results[i].BuildTime > 0)
		assert.Equal(t, len(results[i].Pushed), 0)
	}
	assert.DeepEqual(t, a.done("build"), []string{"build linux/amd64 reg.example.com/app:1,reg.example.com/app:1-linux-amd64"})
	assert.DeepEqual(t, b.done("build"), []string{"build linux/arm64 reg.example.com/app:1,reg.example.com/app:1-linux-arm64"})
	assert.Equal(t, len(a.done("push"))+len(b.done("push")), 0)
}

func TestTheFirstFailureStopsTheOthers(t *testing.T) {
	t.Parallel()
	started, stopped := make(chan struct{}), make(chan struct{})
	bad, good := &engine{Build: failing(errRun, started)}, &engine{Build: untilStopped(started, stopped)}
	nodes := contexts.Nodes{bad.start(t, "bad", "x86_64"), good.start(t, "good", "aarch64")}
	results, err := runner(t).Run(t.Context(), always(request(t)), plan(t, nodes, Wanted{}))
	failed := isNodeError(t, err, "bad", "build")
	assert.ErrorContains(t, failed, "linux/amd64 on bad: build: ")
	assert.ErrorContains(t, failed, "exit code: 1")
	<-stopped // the engine was told to stop

	isNodeError(t, results[0].Err, "bad", "build")
	other := isNodeError(t, results[1].Err, "good", "build")
	assert.ErrorIs(t, other, context.Canceled)
	assert.Error(t, other, "linux/arm64 on good: build: stopped: context canceled")
}

func TestWithKeepGoingTheOthersFinish(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	bad := &engine{Build: failing(errRun, already)}
	good := &engine{Build: func(ctx context.Context, _ *control.SolveRequest, _ session.Caller) (digest.Digest, error) {
		close(started)
		return idOf("good"), ctx.Err()
	}}
	r := runner(t)
	r.KeepGoing = true
	nodes := contexts.Nodes{bad.start(t, "bad", "x86_64"), good.start(t, "good", "aarch64")}
	results, err := r.Run(t.Context(), always(request(t)), plan(t, nodes, Wanted{}))
	isNodeError(t, err, "bad", "build")
	isNodeError(t, results[0].Err, "bad", "build")
	assert.NilError(t, results[1].Err)
	assert.Equal(t, results[1].Image.ID, idOf("good"))
}

func TestAPlatformThatMayBeMissingStopsNothing(t *testing.T) {
	t.Parallel()
	bad, good := &engine{Build: failing(errRun, already)}, &engine{}
	nodes := contexts.Nodes{bad.start(t, "bad", "x86_64"), good.start(t, "good", "aarch64")}
	p := plan(t, nodes, Wanted{Platforms: parseAll("linux/amd64 linux/arm64"), AllowMissing: parseAll("linux/amd64")})
	results, err := runner(t).Run(t.Context(), always(request(t)), p)
	assert.NilError(t, err)
	isNodeError(t, results[0].Err, "bad", "build")
	assert.NilError(t, results[1].Err)
}

func TestAnInterruptStopsAllAndIsTheReason(t *testing.T) {
	t.Parallel()
	started, stopped := make(chan struct{}), make(chan struct{})
	e := &engine{Build: untilStopped(started, stopped)}
	nodes := contexts.Nodes{e.start(t, "a", "x86_64")}
	why := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-started; cancel(why) }()
	results, err := runner(t).Run(ctx, always(request(t)), plan(t, nodes, Wanted{}))
	assert.ErrorIs(t, err, why)
	assert.ErrorIs(t, isNodeError(t, results[0].Err, "a", "build"), why)
	<-stopped
}

func TestANodeBuildsAsManyPlatformsAtOnceAsItShould(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{0, 1, 2, 3} {
		var now, most atomic.Int32
		e := &engine{Build: func(context.Context, *control.SolveRequest, session.Caller) (digest.Digest, error) {
			running := now.Add(1)
			defer now.Add(-1)
			for {
				before := most.Load()
				if running <= before || most.CompareAndSwap(before, running) {
					return idOf("x"), nil
				}
			}
		}}
		node := e.start(t, "a", "x86_64")
		node.Parallel = parallel
		platforms := parseAll("linux/386 linux/amd64 linux/amd64/v2 linux/amd64/v3")
		results, err := runner(t).Run(t.Context(), always(request(t)), plan(t, contexts.Nodes{node}, Wanted{Platforms: platforms}))
		assert.NilError(t, err)
		assert.Equal(t, len(results), 4)
		assert.Assert(t, most.Load() <= int32(max(parallel, 1)), "%d at once, %d are allowed", most.Load(), parallel)
	}
}

// TestANativeNodeThatIsBusyIsWaitedFor: to emulate because of that would be
// slower, and not what the plan said.
func TestANativeNodeThatIsBusyIsWaitedFor(t *testing.T) {
	t.Parallel()
	native, emulating := &engine{}, &engine{}
	nodes := contexts.Nodes{native.start(t, "native", "x86_64"), emulating.start(t, "emulating", "aarch64")}
	nodes[1].Emulates = parseAll("linux/amd64 linux/386")
	p := plan(t, nodes, Wanted{Platforms: parseAll("linux/386 linux/amd64 linux/amd64/v2")})
	results, err := runner(t).Run(t.Context(), always(request(t)), p)
	assert.NilError(t, err)
	for _, r := range results {
		assert.Equal(t, r.Node.Name, "native")
	}
	assert.Equal(t, len(emulating.done("build")), 0)
}

func TestTheEngineGetsTheBuildContextTheDockerfileAndTheLoginsOfTheBaseImages(t *testing.T) {
	t.Parallel()
	dest := t.TempDir()
	e := &engine{Build: func(ctx context.Context, _ *control.SolveRequest, client session.Caller) (digest.Digest, error) {
		for _, name := range []string{"context", "dockerfile"} {
			dir := filepath.Join(dest, name)
			assert.Check(t, os.Mkdir(dir, 0o700))
			assert.Check(t, filesync.FSSync(ctx, client, filesync.FSSendRequestOpt{Name: name, DestDir: dir}))
		}
		assert.Check(t, filesync.FSSync(ctx, client, filesync.FSSendRequestOpt{Name: "other", DestDir: dest}) != nil)
		logins := auth.NewAuthClient(client.Conn())
		for host, want := range map[string]string{"reg.example.com": "me", "other.example.com": ""} {
			login, err := logins.Credentials(ctx, &auth.CredentialsRequest{Host: host})
			assert.Check(t, err)
			assert.Check(t, login.GetUsername() == want, host)
		}
		assert.Check(t, client.SharedKey() == "key")
		return idOf("x"), nil
	}}
	r := runner(t)
	r.Credentials, r.Tokens = logins(t), noTokens
	results, err := r.Run(t.Context(), always(ofBase(request(t))), plan(t, contexts.Nodes{e.start(t, "a", "x86_64")}, Wanted{}))
	assert.NilError(t, err)
	for path, want := range map[string]string{"context/a": "content", "dockerfile/app.Dockerfile": "FROM scratch\nCOPY a /"} {
		text, err := os.ReadFile(filepath.Join(dest, path))
		assert.NilError(t, err)
		assert.Equal(t, string(text), want)
	}
	entries, err := os.ReadDir(filepath.Join(dest, "dockerfile"))
	assert.NilError(t, err)
	assert.Equal(t, len(entries), 1)
	assert.DeepEqual(t, results[0].Image.Sent, []string{"a", "app.Dockerfile"})
	assert.Equal(t, results[0].Image.Bytes, int64(len("content")+len("FROM scratch\nCOPY a /")))
}

func TestABuildWithoutAnImageIsNoSuccess(t *testing.T) {
	t.Parallel()
	for _, id := range []digest.Digest{"", "sha256:abc", "x"} {
		e := &engine{Build: func(context.Context, *control.SolveRequest, session.Caller) (digest.Digest, error) { return id, nil }}
		_, err := runner(t).Run(t.Context(), always(request(t)), plan(t, contexts.Nodes{e.start(t, "a", "x86_64")}, Wanted{}))
		assert.ErrorIs(t, isNodeError(t, err, "a", "build"), ErrNoVerdict)
	}
}

// TestAnImageThatIsRemovedWhileItIsBuiltIsBuiltOnceMore: an earlier build had made the same one, and its last name went.
func TestAnImageThatIsRemovedWhileItIsBuiltIsBuiltOnceMore(t *testing.T) {
	t.Parallel()
	for lost, want := range map[int]error{0: nil, 1: nil, 2: ErrImageLost} {
		e := &engine{Lost: lost}
		results, err := runner(t).Run(t.Context(), always(request(t)), plan(t, contexts.Nodes{e.start(t, "a", "x86_64")}, Wanted{}))
		assert.ErrorIs(t, err, want)
		assert.Equal(t, len(e.done("build")), min(lost, 1)+1)
		assert.Equal(t, len(results[0].Retried), min(lost, 1))
		if want == nil {
			assert.Equal(t, results[0].Image.ID, idOf("a"))
		}
	}
}

// TestABuildContextThatChangesIsTheReasonAndNotTheNodesFault: the engine only
// says that the transfer failed, and waits for the rest of the file.
func TestABuildContextThatChangesIsTheReasonAndNotTheNodesFault(t *testing.T) {
	t.Parallel()
	dest := t.TempDir()
	first, second := &engine{}, &engine{}
	first.Build = func(ctx context.Context, _ *control.SolveRequest, client session.Caller) (digest.Digest, error) {
		return "", filesync.FSSync(ctx, client, filesync.FSSendRequestOpt{Name: "context", DestDir: dest})
	}
	req, dir := requestIn(t)
	assert.NilError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("longer than it was"), 0o600))
	nodes := contexts.Nodes{first.start(t, "first", "x86_64"), second.start(t, "second", "x86_64")}
	_, err := runner(t).Run(t.Context(), always(req), plan(t, nodes, Wanted{}))
	isNodeError(t, err, "first", "build")
	assert.ErrorIs(t, err, source.ErrChanged)
	assert.ErrorContains(t, err, `"a"`)
	assert.Equal(t, len(second.done("build")), 0)
}

// ofBase has a request need an image in a registry.
func ofBase(req Request) Request {
	req.NamedContexts = map[string]NamedContext{"base": {Location: "docker-image://reg.example.com/base:1"}}
	return req
}

func TestALoginThatCannotBeReadEndsTheBuild(t *testing.T) {
	t.Parallel()
	e := &engine{Build: func(ctx context.Context, _ *control.SolveRequest, client session.Caller) (digest.Digest, error) {
		_, err := auth.NewAuthClient(client.Conn()).Credentials(ctx, &auth.CredentialsRequest{Host: "reg.example.com"})
		assert.Check(t, err != nil)
		<-ctx.Done() // BuildKit would ask again and again
		return "", ctx.Err()
	}}
	why := errors.New("helper failed")
	r := runner(t)
	r.Credentials = func(context.Context, string) (credential.Login, error) { return credential.Login{}, why }
	_, err := r.Run(t.Context(), always(ofBase(request(t))), plan(t, contexts.Nodes{e.start(t, "a", "x86_64")}, Wanted{}))
	assert.ErrorIs(t, isNodeError(t, err, "a", "build"), why)
}

// TestALoginDoesNotCrossPlainTCP: not to the planned node, and not to one that takes over.
func TestALoginDoesNotCrossPlainTCP(t *testing.T) {
	t.Parallel()
	login := types.AuthConfig{Username: "me", Password: "secret"}
	r := &Runner{Credentials: func(_ context.Context, host string) (credential.Login, error) {
		if host == "reg.example.com" {
			return credential.New(login), nil
		}
		return credential.Login{}, nil
	}}
	exposed := &contexts.Node{Name: "n", Host: "tcp://10.0.0.1:2375"}
	got, err := r.credentialsFor(exposed)(t.Context(), "reg.example.com")
	assert.ErrorIs(t, err, ErrExposed)
	assert.Assert(t, !got.Known())
	assert.Assert(t, !strings.Contains(err.Error(), "secret"))
	_, err = r.credentialsFor(exposed)(t.Context(), "other.example.com")
	assert.NilError(t, err)
	exposed.Insecure = true
	for _, n := range []*contexts.Node{exposed, {Host: "unix:///x"}, {Host: "tcp://127.0.0.1:1"}, {Host: "tcp://10.0.0.1:2376", Encrypted: true}} {
		got, err := r.credentialsFor(n)(t.Context(), "reg.example.com")
		assert.NilError(t, err)
		assert.Equal(t, got.Reveal(), login)
	}
}
