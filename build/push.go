package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"
	dockerclient "github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/credential"
	"github.com/docker-multiarch/docker-multiarch/retry"
)

// ErrOtherImage is what Runner.Verify returns when the pushed image is not the
// one that was built: another build moved the tag on the node in between.
var ErrOtherImage = errors.New("another image was pushed")

// pushAs has the node push its image under name, and checks that it was that
// image. Each attempt sets the name again and reads the credentials again.
func (r *Runner) pushAs(ctx context.Context, res *Result, name reference.NamedTagged, w *progress.Writer) error {
	step := w.Start("pushing " + reference.FamiliarString(name))
	pushed := Pushed{Reference: name}
	err := retry.Do(ctx, res.again("pushing "+reference.FamiliarString(name), step), func(ctx context.Context) (err error) {
		// The tag may have been moved on the node since the build.
		if _, err := res.Node.Client().ImageTag(ctx, dockerclient.ImageTagOptions{Source: res.Image.ID.String(), Target: name.String()}); err != nil {
			return blame(ctx, res.Node, fmt.Errorf("tagging: %w", err))
		}
		pushed.Digest, err = r.pushOnce(ctx, res.Assignment, name, step)
		if isImmutable(err) {
			if has, ok := r.held(ctx, res, name); ok {
				pushed.Digest, err = has, nil
			}
		}
		if err != nil {
			return blame(ctx, res.Node, err)
		}
		return r.Verify(ctx, res.Assignment, res.Image, pushed)
	})
	if err == nil {
		res.Pushed = append(res.Pushed, pushed)
	}
	return step.Done(err)
}

// again says whether to do again what failed, and notes that it is.
func (res *Result) again(what string, step *progress.Step) func(error) bool {
	return func(err error) bool {
		if !mayPass(err) {
			return false
		}
		step.Log("again, because: " + err.Error())
		res.Retried = append(res.Retried, fmt.Errorf("%s: %w", what, err))
		return true
	}
}

func (r *Runner) pushOnce(ctx context.Context, a Assignment, name reference.NamedTagged, step *progress.Step) (digest.Digest, error) {
	login, err := r.credentialsFor(a.Node)(ctx, reference.Domain(name))
	if err != nil {
		return "", err
	}
	if login.Known() {
		step.Log("with the login for " + reference.Domain(name))
	}
	header, err := authconfig.Encode(registryLogin(login))
	if err != nil {
		return "", fmt.Errorf("encoding credentials: %w", err)
	}
	response, err := a.Node.Client().ImagePush(ctx, name.String(), dockerclient.ImagePushOptions{RegistryAuth: header})
	if err != nil {
		return "", err
	}
	defer response.Close()
	var stream pushStream
	for message, err := range response.JSONMessages(ctx) {
		if err != nil {
			return "", streamError(ctx, err)
		}
		if err := stream.take(message, step); err != nil {
			return "", err
		}
	}
	return stream.result()
}

// registryLogin is a login as the API of engines has it.
func registryLogin(login credential.Login) registry.AuthConfig {
	config := login.Reveal()
	return registry.AuthConfig{
		Username: config.Username, Password: config.Password, Auth: config.Auth,
		ServerAddress: config.ServerAddress, IdentityToken: config.IdentityToken, RegistryToken: config.RegistryToken,
	}
}

// streamError keeps a stream that broke apart from one that ended.
func streamError(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("reading the engine's answer: %w", err)
}

// pushStream reads an engine's answer to a push. The digest comes in an aux
// message from an engine with a graph driver, and in the last status line
// ("TAG: digest: sha256:… size: N") from every engine.
type pushStream struct {
	aux, text digest.Digest
}

var digestLine = regexp.MustCompile(`: digest: (sha256:[0-9a-f]{64}) size: [0-9]+$`)

func (s *pushStream) take(m jsonstream.Message, step *progress.Step) error {
	switch {
	case m.Error != nil:
		return &EngineError{Message: progress.Clean(m.Error.Message)}
	case m.Aux != nil:
		var aux struct{ Digest digest.Digest }
		if json.Unmarshal(*m.Aux, &aux) == nil && aux.Digest.Validate() == nil {
			s.aux = aux.Digest
		}
	case m.ID != "":
		layerProgress(m, step)
	default:
		if found := digestLine.FindStringSubmatch(m.Status); found != nil {
			s.text = digest.Digest(found[1])
		}
	}
	return nil
}

// layerProgress shows how far the push of a layer is. What an engine says before
// ("Preparing", "Waiting") is no progress.
func layerProgress(m jsonstream.Message, step *progress.Step) {
	layer := "layer " + m.ID
	switch {
	case m.Progress != nil:
		step.Part(layer, m.Progress.Current, m.Progress.Total, false)
	case m.Status == "Pushed", m.Status == "Layer already exists", strings.HasPrefix(m.Status, "Mounted from"):
		step.Part(layer, 0, 0, true)
	}
}

// result returns the digest of the pushed manifest. A stream that told none,
// or two, proves nothing.
func (s *pushStream) result() (digest.Digest, error) {
	switch {
	case s.aux != "" && s.text != "" && s.aux != s.text:
		return "", fmt.Errorf("engine reports two digests, %s and %s: %w", s.aux, s.text, ErrNoVerdict)
	case s.aux != "":
		return s.aux, nil
	case s.text != "":
		return s.text, nil
	default:
		return "", fmt.Errorf("pushing: %w", ErrNoVerdict)
	}
}

// EngineError is an error that an engine reports within a stream.
type EngineError struct{ Message string }

func (e *EngineError) Error() string { return e.Message }

// passing are the words by which an engine's report of a failed push shows that
// the registry was busy, broken or out of reach for the moment. Engines report
// nothing but text; what is not recognised counts as permanent. A blob that was
// just pushed can be unknown for a moment while another node pushes the same one.
var passing = regexp.MustCompile(`(?i)toomanyrequests|too many requests|\b(?:408|425|429|500|502|503|504)\b|blob upload (?:unknown|invalid)|manifest[ _]blob[ _]unknown|blob unknown to registry|connection (?:reset|refused)|unexpected EOF|: EOF|i/o timeout|TLS handshake timeout`)

// mayPass says whether a push that failed with err is worth repeating on the
// same node.
func mayPass(err error) bool {
	if errors.Is(err, ErrNodeLost) || errors.Is(err, ErrNodeFull) {
		return false
	}
	if e, ok := errors.AsType[*EngineError](err); ok {
		return passing.MatchString(e.Message)
	}
	return errors.Is(err, ErrOtherImage) || errors.Is(err, ErrNoVerdict)
}
