package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/jsonstream"
	"github.com/opencontainers/go-digest"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/credential"
)

// step is a step of a display that shows nothing.
func step(t *testing.T) *progress.Step {
	t.Helper()
	return runner(t).Display.Writer("x", "").Start("pushing")
}

func aux(value string) jsonstream.Message {
	raw := json.RawMessage(value)
	return jsonstream.Message{Aux: &raw}
}

func said(status string) jsonstream.Message { return jsonstream.Message{Status: status} }

func TestTheDigestOfAPushIsWhatTheEngineReports(t *testing.T) {
	t.Parallel()
	one, two := idOf("one"), idOf("two")
	oneAux, oneLine := aux(`{"Tag":"1","Digest":"`+one.String()+`","Size":5}`), said("1: digest: "+one.String()+" size: 5")
	for _, c := range []struct {
		name   string
		stream []jsonstream.Message
		want   digest.Digest // "" for no verdict
	}{
		{"a graph driver's", []jsonstream.Message{said("The push refers to repository [x]"), oneLine, oneAux}, one},
		{"aux alone", []jsonstream.Message{oneAux}, one},
		{"containerd's: the line alone", []jsonstream.Message{said("Pushed"), oneLine}, one},
		{"a tag with colons and dashes", []jsonstream.Message{said("v1.2-linux: digest: " + one.String() + " size: 123456")}, one},
		{"two that differ", []jsonstream.Message{oneAux, said("1: digest: " + two.String() + " size: 5")}, ""},
		{"nothing", nil, ""},
		{"talk alone", []jsonstream.Message{said("The push refers to repository [x]"), said("done")}, ""},
		{"aux without a digest", []jsonstream.Message{aux(`{"Tag":"1"}`), aux(`{}`), aux(`null`), aux(`"x"`)}, ""},
		{"a digest that is none", []jsonstream.Message{aux(`{"Digest":"sha256:abc"}`), said("1: digest: sha256:abc size: 5")}, ""},
		{"an aux of something else after it", []jsonstream.Message{oneAux, aux(`{"ID":"sha256:` + strings.Repeat("b", 64) + `"}`)}, one},
		{"a line of a layer is no verdict", []jsonstream.Message{{ID: "layer", Status: "1: digest: " + one.String() + " size: 5"}}, ""},
		{"a line that goes on is no verdict", []jsonstream.Message{said("1: digest: " + one.String() + " size: 5 of another")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var stream pushStream
			step := step(t)
			for _, message := range c.stream {
				assert.NilError(t, stream.take(message, step))
			}
			got, err := stream.result()
			assert.Equal(t, got, c.want)
			if c.want == "" {
				assert.ErrorIs(t, err, ErrNoVerdict)
				return
			}
			assert.NilError(t, err)
		})
	}
}

func TestAnErrorInTheStreamIsTheEnginesAndIsCleaned(t *testing.T) {
	t.Parallel()
	var stream pushStream
	err := stream.take(jsonstream.Message{Error: &jsonstream.Error{Message: "denied:\x1b[2J no access"}}, step(t))
	var engineError *EngineError
	assert.Assert(t, errors.As(err, &engineError))
	assert.Error(t, err, "denied: no access")
}

func TestLayersOfAPushAreShown(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	display, err := progress.New(&out, progress.Options{Mode: progress.RawJSON})
	assert.NilError(t, err)
	step := display.Writer("x", "").Start("pushing")
	var stream pushStream
	for _, m := range []jsonstream.Message{
		{ID: "aaa", Status: "Preparing"},
		{ID: "bbb", Status: "Waiting"},
		{ID: "aaa", Status: "Pushing", Progress: &jsonstream.Progress{Current: 3, Total: 9}},
		{ID: "aaa", Status: "Pushed"},
		{ID: "ccc", Status: "Layer already exists"},
		{ID: "ddd", Status: "Mounted from library/x"},
	} {
		assert.NilError(t, stream.take(m, step))
	}
	assert.NilError(t, step.Done(nil))
	assert.NilError(t, display.Wait())
	for _, id := range []string{"layer aaa", "layer ccc", "layer ddd"} {
		assert.Assert(t, strings.Contains(out.String(), id), id)
	}
	assert.Assert(t, !strings.Contains(out.String(), "layer bbb"), "waiting is no progress")
	assert.Assert(t, strings.Contains(out.String(), `"total":9,"current":3`), out.String())
}

func TestMayPass(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"toomanyrequests: You have reached your pull rate limit", "received unexpected HTTP status: 503 Service Unavailable",
		"received unexpected HTTP status: 500 Internal Server Error", "unexpected status from PUT request to https://x/y: 502 Bad Gateway", "status 429", "Too Many Requests",
		"blob upload unknown", "blob upload invalid: x", "manifest blob unknown: blob unknown to registry", "MANIFEST_BLOB_UNKNOWN: x", "dial tcp 10.0.0.1:443: connect: connection refused", "read: connection reset by peer",
		`Put "https://x/v2/": EOF`, "unexpected EOF", "net/http: TLS handshake timeout", "dial tcp: i/o timeout",
	} {
		assert.Assert(t, mayPass(&EngineError{Message: text}), text)
		assert.Assert(t, mayPass(fmt.Errorf("wrapped: %w", &EngineError{Message: text})), text)
		assert.Assert(t, !mayPass(fmt.Errorf("%w: %w", ErrNodeLost, &EngineError{Message: text})), "the node is gone: "+text)
		assert.Assert(t, !mayPass(fmt.Errorf("%w: %w", ErrNodeFull, &EngineError{Message: text})), "the node is full: "+text)
	}
	for _, text := range []string{
		"", "denied: requested access to the resource is denied", "unauthorized: authentication required", "no basic auth credentials", "name unknown",
		"manifest invalid", "tag is immutable", "x509: certificate signed by unknown authority", "http: server gave HTTP response to HTTPS client",
		"received unexpected HTTP status: 403 Forbidden", "404 page not found", "image does not exist locally with the tag: x:500ms", "dial tcp: lookup x: no such host",
		"denied: quota of 5000 is used up", "layer sha256:a500b is not known", "x/y-503z: denied", "port 5003: refused by policy",
	} {
		assert.Assert(t, !mayPass(&EngineError{Message: text}), text)
	}
	for err, want := range map[error]bool{
		ErrOtherImage: true, fmt.Errorf("x: %w", ErrOtherImage): true, ErrNoVerdict: true, ErrNodeLost: false, ErrNodeFull: false,
		context.Canceled: false, errors.New("toomanyrequests"): false, io.EOF: false,
	} {
		assert.Equal(t, mayPass(err), want, err.Error())
	}
}

// pushed runs a build of one platform with a push.
func pushed(t *testing.T, r *Runner, e *engine, targets string) (Result, error) {
	t.Helper()
	p := plan(t, contexts.Nodes{e.start(t, "a", "x86_64")}, Wanted{Push: true, Targets: tags(targets)})
	results, err := r.Run(t.Context(), always(request(t)), p)
	return results[0], err
}

func lines(text ...string) func(int, http.ResponseWriter) {
	return func(_ int, w http.ResponseWriter) { _, _ = io.WriteString(w, strings.Join(text, "\n")) }
}

func TestEveryRepositoryIsPushedToWithItsOwnLoginAndVerified(t *testing.T) {
	t.Parallel()
	e := &engine{}
	r := runner(t)
	r.Credentials = logins(t)
	verified := []string{}
	r.Verify = func(_ context.Context, a Assignment, image Image, p Pushed) error {
		verified = append(verified, fmt.Sprint(a.Node.Name, " ", image.ID == idOf("a"), " ", p.Reference, " ", p.Digest == idOf("manifest of a")))
		return nil
	}
	res, err := pushed(t, r, e, "reg.example.com/app:1 reg.example.com/app:2 alpine:1")
	assert.NilError(t, err)
	assert.DeepEqual(t, e.done("tag"), []string{
		"tag " + idOf("a").String() + " reg.example.com/app:1-linux-amd64", "tag " + idOf("a").String() + " docker.io/library/alpine:1-linux-amd64",
	})
	assert.DeepEqual(t, e.done("push"), []string{"push reg.example.com/app:1-linux-amd64 me", "push docker.io/library/alpine:1-linux-amd64 hub"})
	assert.DeepEqual(t, verified, []string{"a true reg.example.com/app:1-linux-amd64 true", "a true docker.io/library/alpine:1-linux-amd64 true"})
	assert.Equal(t, len(res.Pushed), 2)
	assert.Assert(t, res.PushTime > 0)
}

func TestAPushOfAnotherImageIsRepeatedWithTheTagSetAnew(t *testing.T) {
	t.Parallel()
	e := &engine{}
	r := runner(t)
	r.Verify = func(_ context.Context, _ Assignment, _ Image, _ Pushed) error {
		if len(e.done("push")) < 2 {
			return fmt.Errorf("%w: x", ErrOtherImage)
		}
		return nil
	}
	res, err := pushed(t, r, e, "reg.example.com/app:1")
	assert.NilError(t, err)
	assert.Equal(t, len(e.done("tag")), 2)
	assert.Equal(t, len(e.done("push")), 2)
	assert.Equal(t, len(res.Pushed), 1)
}

func TestAPushThatTheRegistryRefusesForGoodIsNotRepeated(t *testing.T) {
	t.Parallel()
	e := &engine{Push: lines(`{"status":"The push refers to repository [x]"}`, `{"errorDetail":{"message":"denied: no"},"error":"denied: no"}`)}
	res, err := pushed(t, runner(t), e, "reg.example.com/app:1 other.example.com/app:1")
	assert.ErrorContains(t, isNodeError(t, err, "a", "push"), "denied: no")
	assert.Equal(t, len(e.done("push")), 1)
	assert.Equal(t, len(res.Pushed), 0)
	assert.Equal(t, res.Image.ID, idOf("a"), "the image is there, and has to be listed or removed")
}

func TestAPushToABusyRegistryIsRepeated(t *testing.T) {
	t.Parallel()
	e := &engine{Push: func(n int, w http.ResponseWriter) {
		if n == 1 {
			lines(`{"errorDetail":{"message":"received unexpected HTTP status: 503 Service Unavailable"}}`)(n, w)
			return
		}
		lines(`{"status":"1: digest: `+idOf("x").String()+` size: 1"}`)(n, w)
	}}
	res, err := pushed(t, runner(t), e, "reg.example.com/app:1")
	assert.NilError(t, err)
	assert.Equal(t, res.Pushed[0].Digest, idOf("x"))
	assert.Equal(t, len(e.done("push")), 2)
	assert.Equal(t, len(res.Retried), 1)
	assert.Error(t, res.Retried[0], "pushing reg.example.com/app:1-linux-amd64: received unexpected HTTP status: 503 Service Unavailable")
}

func TestAPushThatTheEngineCutsOffIsALostNode(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(int, http.ResponseWriter){
		"before an answer": func(_ int, w http.ResponseWriter) { hangUp(w) },
		"in the stream": func(_ int, w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"status":"The push`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &engine{Push: cut}
			_, err := pushed(t, runner(t), e, "reg.example.com/app:1")
			assert.ErrorIs(t, isNodeError(t, err, "a", "push"), ErrNodeLost)
			assert.Equal(t, len(e.done("push")), 1, "another node takes over, if there is one")
		})
	}
}

func TestAnImageThatIsNotWhatWasBuiltFailsInVerifying(t *testing.T) {
	t.Parallel()
	why := errors.New("platform mismatch")
	r := runner(t)
	r.Verify = func(context.Context, Assignment, Image, Pushed) error { return why }
	e := &engine{}
	res, err := pushed(t, r, e, "reg.example.com/app:1")
	assert.ErrorIs(t, err, why)
	assert.Equal(t, len(res.Pushed), 0)
	assert.Equal(t, len(e.done("push")), 1)
}

func TestALoginThatCannotBeReadFailsThePushBeforeTheEngineIsAsked(t *testing.T) {
	t.Parallel()
	why := errors.New("helper failed")
	r := runner(t)
	r.Credentials = func(context.Context, string) (credential.Login, error) { return credential.Login{}, why }
	e := &engine{}
	_, err := pushed(t, r, e, "reg.example.com/app:1")
	assert.ErrorIs(t, isNodeError(t, err, "a", "push"), why)
	assert.Equal(t, len(e.done("push")), 0)
}
