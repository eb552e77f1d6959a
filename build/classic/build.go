package classic

import (
	"cmp"
	"context"
	"errors"
	"io"

	dockerclient "github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
)

// Error is what an engine says of a build that failed.
type Error struct {
	Message string
	// Base is the image of the FROM that failed, if it was a FROM.
	Base string
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Build has an engine build from files and shows its progress. It returns the
// image ID that the engine reports, or "" when the engine ends without one: a
// build without a positive ID did not succeed. What the engine says of a
// failure is an *Error. When ctx ends the connection is closed, which has the
// engine kill what it runs.
func Build(ctx context.Context, client *dockerclient.Client, files Context, options dockerclient.ImageBuildOptions, w *progress.Writer) (digest.Digest, error) {
	body, archive := io.Pipe()
	sent := make(chan error, 1)
	step := w.Start("[internal] load build context")
	go func() {
		err := files.WriteTo(ctx, &counter{Writer: archive, step: step})
		// With an error the request breaks off, and the archive has no end.
		_ = archive.CloseWithError(err)
		if errors.Is(err, io.ErrClosedPipe) {
			err = nil // the engine wants no more of it, and says why
		}
		sent <- step.Done(err)
	}()
	options.Dockerfile = files.Dockerfile
	id, err := request(ctx, client, body, options, w)
	_ = body.Close()
	if sendErr := <-sent; sendErr != nil {
		// It is the cause of whatever the engine says.
		return "", sendErr
	}
	return id, err
}

func request(ctx context.Context, client *dockerclient.Client, body io.Reader, options dockerclient.ImageBuildOptions, w *progress.Writer) (digest.Digest, error) {
	response, err := client.ImageBuild(ctx, body, options)
	if err != nil {
		return "", cmp.Or(context.Cause(ctx), err)
	}
	defer func() { _ = response.Body.Close() }()
	s := stream{writer: w}
	return s.read(ctx, response.Body)
}

// counter shows how much of the archive was sent.
type counter struct {
	io.Writer
	step  *progress.Step
	total int64
	shown int64
}

// showEvery is after how many bytes the display is told.
const showEvery = 1 << 20

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.total += int64(n)
	if c.total >= c.shown+showEvery || c.shown == 0 {
		c.shown = c.total
		c.step.Part("transferring context:", c.total, 0, false)
	}
	return n, err
}
