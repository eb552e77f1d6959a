package power

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/docker-multiarch/docker-multiarch/contexts/config"
)

const (
	// maxOutput bounds what is kept of a command's output, in bytes.
	maxOutput = 64 << 10
	// stdoutDelay is how long output is awaited that a process left behind
	// by the command may still write.
	stdoutDelay = 2 * time.Second
	// namePlaceholder stands for the node's name, as a whole argument.
	namePlaceholder = "{name}"
)

// ErrHook is returned when a command of the user's fails or takes too long.
var ErrHook = errors.New("command failed")

// hook is one run of a command of the user's.
type hook struct {
	// what is the key of the command in the configuration.
	what    string
	command config.Command
	limit   time.Duration
	// began, if set, is told the process when it runs.
	began func(pid int) error
}

// run runs h to its end and returns what it printed. The command gets the node's
// name as an argument and in MULTIARCH_NODE, never as part of a line that a shell
// reads. When it ends, or its time does, so does its process group.
func (m *Machine) run(ctx context.Context, h hook) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.limit, fmt.Errorf("not done within %s", h.limit))
	defer cancel()
	args := m.arguments(h.command)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the user's own command
	var out bounded
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Dir, cmd.Env, cmd.WaitDelay = m.Dir, append([]string{"MULTIARCH_NODE=" + m.Name}, m.Env...), stdoutDelay
	isolate(cmd)
	cmd.Cancel = func() error { return killGroup(cmd.Process) }
	err := cmd.Start()
	if err == nil {
		if h.began != nil {
			err = h.began(cmd.Process.Pid)
		}
		if err != nil {
			cancel()
		}
		err = errors.Join(err, cmd.Wait())
		// What the command left in its group ends with it.
		_ = killGroup(cmd.Process)
	}
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return out.String(), nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	return out.String(), fmt.Errorf("%s %w: %w%s", h.what, ErrHook, err, lastLines(out.String()))
}

// arguments are the words to run for a command.
func (m *Machine) arguments(c config.Command) []string {
	if c.Shell != "" {
		return shell(c.Shell, m.Name)
	}
	args := make([]string, len(c.Args))
	for i, word := range c.Args {
		if args[i] = word; word == namePlaceholder {
			args[i] = m.Name
		}
	}
	return args
}

// bounded keeps the beginning of what is written to it.
type bounded struct{ strings.Builder }

// Write never fails, so that a command that prints too much goes on.
func (b *bounded) Write(p []byte) (int, error) {
	b.Builder.Write(p[:min(len(p), maxOutput-b.Len())])
	return len(p), nil
}

// lastLines are the end of a command's output, for its error.
func lastLines(out string) string {
	const longest = 1000
	out = strings.TrimSpace(out)
	if out == "" {
		return ""
	}
	return "\n" + strings.ToValidUTF8(out[max(0, len(out)-longest):], "")
}
