package build

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	dockerclient "github.com/moby/moby/client"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
)

const (
	// maxOutput bounds what is shown of a test, in bytes.
	maxOutput = 1 << 20
	// askEvery is how often a container is asked whether it is healthy yet.
	askEvery = 200 * time.Millisecond
)

// show has the step show what the container prints, from its first word on. The
// function returned waits until all was shown, which is when the container has
// ended or is cut off.
func (v *vessel) show(ctx context.Context, step *progress.Step) (func(), error) {
	attached, err := v.node.Client().ContainerAttach(ctx, v.id, dockerclient.ContainerAttachOptions{Stream: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, blame(ctx, v.node, fmt.Errorf("attaching: %w", err))
	}
	lines, out := io.Pipe()
	demultiplexed, logged := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(demultiplexed)
		_ = out.CloseWithError(demultiplex(out, attached.Reader))
	}()
	go func() {
		defer close(logged)
		logLines(lines, step)
	}()
	return func() {
		select {
		case <-demultiplexed:
		case <-time.After(lastWords): // it was stopped, or a child of it holds its output
		}
		attached.Close()
		<-demultiplexed
		<-logged
	}, nil
}

// demultiplex passes on what the frames of an engine's stream hold, of both outputs
// (moby's api/pkg/stdcopy, which makes room for as much as a frame says it has).
func demultiplex(out io.Writer, in io.Reader) error {
	var header [8]byte
	for {
		_, err := io.ReadFull(in, header[:])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && stdcopy.StdType(header[0]) > stdcopy.Stderr {
			return fmt.Errorf("the engine sent a frame of kind %d", header[0])
		}
		if err == nil {
			_, err = io.CopyN(out, in, int64(binary.BigEndian.Uint32(header[4:])))
		}
		if err != nil {
			return err
		}
	}
}

// lastWords is how long the output of a container that has ended is waited for.
const lastWords = 500 * time.Millisecond

// logLines shows lines until there was too much, and reads on so that the
// container is not held up.
func logLines(in io.Reader, step *progress.Step) {
	bounded := &io.LimitedReader{R: in, N: maxOutput}
	lines := bufio.NewReaderSize(bounded, progress.MaxLine)
	for {
		line, _, err := lines.ReadLine()
		if len(line) > 0 {
			step.Log(string(line))
		}
		if err != nil {
			break
		}
	}
	if bounded.N <= 0 {
		step.Log(fmt.Sprintf("… more than %d KiB: the rest is not shown", maxOutput>>10))
	}
	_, _ = io.Copy(io.Discard, in)
}

// exited waits until the container has ended by itself, in success.
func exited(ctx context.Context, v *vessel) error {
	wait := v.node.Client().ContainerWait(ctx, v.id, dockerclient.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case err := <-wait.Error:
		return blame(ctx, v.node, err)
	case end := <-wait.Result:
		if end.StatusCode == 0 {
			return nil
		}
		return fmt.Errorf("exit code: %d", end.StatusCode)
	}
}

// healthy waits until the engine finds the container healthy.
func healthy(ctx context.Context, v *vessel) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		found, err := v.node.Client().ContainerInspect(ctx, v.id, dockerclient.ContainerInspectOptions{})
		if err != nil {
			return blame(ctx, v.node, err)
		}
		state := found.Container.State
		switch {
		case state == nil || state.Health == nil:
			return ErrNoHealthcheck
		case state.Health.Status == container.Healthy:
			return nil
		case !state.Running:
			return fmt.Errorf("it ended before it was healthy, with exit code %d", state.ExitCode)
		case state.Health.Status == container.Unhealthy:
			return fmt.Errorf("unhealthy: %s", lastProbe(state.Health))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// lastProbe is what the last probe printed.
func lastProbe(h *container.Health) string {
	if len(h.Log) == 0 {
		return "no probe"
	}
	last := h.Log[len(h.Log)-1]
	return fmt.Sprintf("exit code %d: %s", last.ExitCode, progress.CleanLine(last.Output))
}
