package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/moby/moby/api/types/container"
	dockerclient "github.com/moby/moby/client"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
)

// ErrNoHealthcheck is returned when an image is to become healthy that has no
// HEALTHCHECK.
var ErrNoHealthcheck = errors.New("image has no HEALTHCHECK")

// Test is a command that has to succeed in a container of the built image.
type Test struct {
	// Text is the command as the user wrote it: a line for the image's shell,
	// or a JSON array of words, as in a Dockerfile's CMD.
	Text  string
	words []string // of a JSON array
}

// NewTest reads a command.
func NewTest(text string) (Test, error) {
	t := Test{Text: text}
	if strings.TrimSpace(text) == "" {
		return t, errors.New("the command is empty")
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "[") {
		return t, nil
	}
	// "[ -f /app ]" is a command of the shell.
	var words []string
	if err := json.Unmarshal([]byte(text), &words); err != nil {
		return t, nil //nolint:nilerr // it is no JSON
	}
	if len(words) == 0 {
		return t, errors.New("the command is empty")
	}
	t.words = words
	return t, nil
}

// argv is what a container of the image runs.
func (t Test) argv(config dockerspec.DockerOCIImageConfig, os string) []string {
	switch {
	case t.words != nil:
		return t.words
	case len(config.Shell) > 0:
		return append(append([]string{}, config.Shell...), t.Text)
	case os == "windows":
		return []string{"cmd", "/S", "/C", t.Text}
	}
	return []string{"/bin/sh", "-c", t.Text}
}

// Tests are what is tested of a built image before it is published.
type Tests struct {
	Commands []Test
	// Health has the image run as it is until its HEALTHCHECK says "healthy".
	Health bool
	// Timeout bounds each of them. Network gives them a network.
	Timeout time.Duration
	Network bool
}

// TestError is returned when a test fails.
type TestError struct {
	Test string
	// Shell says that the test needs a shell in the image, Started that it was
	// started at all.
	Shell, Started bool
	Err            error
}

func (e *TestError) Error() string { return fmt.Sprintf("%q: %v", e.Test, e.Err) }

func (e *TestError) Unwrap() error { return e.Err }

// NoShell tells whether the test may have failed because the image lacks the
// shell that it needs. A user or group that the image lacks, the engine names.
func (e *TestError) NoShell() bool {
	text := e.Err.Error()
	return e.Shell && !e.Started && !strings.Contains(text, "unable to find user") && !strings.Contains(text, "unable to find group")
}

// all runs the tests of a built image on the node that built it, one after the
// other.
func (tests Tests) all(ctx context.Context, a Assignment, image Image, w *progress.Writer) error {
	if len(tests.Commands) == 0 && !tests.Health {
		return nil
	}
	config, err := imageConfig(ctx, a, image)
	if err != nil {
		return err
	}
	for _, t := range tests.Commands {
		step := w.Start("[test] " + t.Text)
		run := container.Config{Entrypoint: t.argv(config, a.Platform.OS), Cmd: []string{}}
		started, err := tests.run(ctx, a, image, trial{run, exited}, step)
		if step.Done(err) != nil {
			return &TestError{Test: t.Text, Shell: t.words == nil, Started: started, Err: err}
		}
	}
	if !tests.Health {
		return nil
	}
	step := w.Start("[test] HEALTHCHECK")
	if config.Healthcheck == nil || len(config.Healthcheck.Test) == 0 || config.Healthcheck.Test[0] == "NONE" {
		return step.Done(ErrNoHealthcheck)
	}
	started, err := tests.run(ctx, a, image, trial{container.Config{}, healthy}, step)
	if step.Done(err) != nil {
		return &TestError{Test: "HEALTHCHECK", Started: started, Err: err}
	}
	return nil
}

// imageConfig asks the node for the config of an image.
func imageConfig(ctx context.Context, a Assignment, image Image) (dockerspec.DockerOCIImageConfig, error) {
	found, err := a.Node.Client().ImageInspect(ctx, image.ID.String())
	if err != nil {
		return dockerspec.DockerOCIImageConfig{}, blame(ctx, a.Node, fmt.Errorf("inspecting the image: %w", err))
	}
	if found.Config == nil {
		return dockerspec.DockerOCIImageConfig{}, nil
	}
	return *found.Config, nil
}

// trial is a container and how it is found to be well.
type trial struct {
	config  container.Config
	verdict func(context.Context, *vessel) error
}

// run runs one container until there is a verdict, at most for the time limit, and
// removes it. What it prints becomes part of the step.
func (tests Tests) run(ctx context.Context, a Assignment, image Image, t trial, step *progress.Step) (started bool, err error) {
	host := container.HostConfig{NetworkMode: "none"}
	if tests.Network {
		host.NetworkMode = "default"
	}
	t.config.AttachStdout, t.config.AttachStderr = true, true
	v, err := newVessel(ctx, a, image, dockerclient.ContainerCreateOptions{Config: &t.config, HostConfig: &host}, tests.Timeout)
	if err != nil {
		return false, err
	}
	defer func() { err = v.remove(ctx, err) }()
	shown, err := v.show(ctx, step)
	if err != nil {
		return false, err
	}
	defer shown()
	if _, err := v.node.Client().ContainerStart(ctx, v.id, dockerclient.ContainerStartOptions{}); err != nil {
		return false, blame(ctx, v.node, err)
	}
	limit := fmt.Errorf("it did not end within %s", tests.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, tests.Timeout, limit)
	defer cancel()
	err = t.verdict(ctx, v)
	if err != nil && errors.Is(context.Cause(ctx), limit) {
		err = limit
	}
	return true, err
}
