package plugin

import (
	"context"
	"errors"
	"testing"

	"github.com/docker/cli/cli"

	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

// dockerLine is a docker command line with this plugin.
type dockerLine struct{ *plugintest.Docker }

// newDocker makes a command line with contexts by name and endpoint.
func newDocker(t *testing.T, current string, hosts map[string]string) *dockerLine {
	t.Helper()
	return &dockerLine{plugintest.New(t, current, hosts)}
}

// run runs docker multiarch with those arguments.
func (d *dockerLine) run(t *testing.T, args ...string) error {
	t.Helper()
	return d.runContext(t.Context(), args...)
}

func (d *dockerLine) runContext(ctx context.Context, args ...string) error {
	return d.Run(ctx, NewCommand(d.CLI, "1.2.3-test"), args...)
}

// exitCode is the code with which the process would end.
func exitCode(err error) int {
	if status, ok := errors.AsType[cli.StatusError](err); ok {
		return status.StatusCode
	}
	return -1
}
