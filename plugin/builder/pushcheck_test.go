package builder

import (
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

func TestAnotherMachineDoesNotPushToLocalhost(t *testing.T) {
	t.Parallel()
	far := &contexts.Node{Name: "pi", Host: "ssh://pi", Engine: contexts.Engine{ID: "1", Hostname: "another machine"}}
	plan := build.Plan{{Node: far, Pushes: plugintest.Targets("127.0.0.1:5000/app:1-linux-arm64")}}
	err := checkLoopback(plan)
	assert.ErrorIs(t, err, ErrLoopback)
	plugintest.Contains(t, err.Error(), "127.0.0.1:5000", "pi (ssh://pi)")
	plan[0].Pushes = plugintest.Targets("reg.example.com/app:1-linux-arm64")
	assert.NilError(t, checkLoopback(plan))
	plan[0].Pushes = plugintest.Targets("localhost/app:1-linux-arm64")
	assert.ErrorIs(t, checkLoopback(plan), ErrLoopback)
	plan[0].Node = &contexts.Node{Name: "here", Host: "unix:///x", Engine: contexts.Engine{ID: "1", Hostname: "another machine"}}
	assert.NilError(t, checkLoopback(plan))
}
