package builder

import (
	"errors"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/history"
	"github.com/docker-multiarch/docker-multiarch/plugin/node"
)

func TestARemoteNodeIsNewUntilItWasSentSomething(t *testing.T) {
	t.Parallel()
	h, err := history.Open(t.TempDir())
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, h.Close()) })
	remote, local := &contexts.Node{Name: "pi", Host: "ssh://pi"}, &contexts.Node{Name: "laptop", Host: "unix:///docker.sock"}
	assert.Assert(t, node.IsNew(h, remote))
	assert.Assert(t, !node.IsNew(h, local), "its files stay on this machine")
	assert.Assert(t, !node.IsNew(nil, remote), "without a memory everything would be new for ever")
	noteBuild(h, "project", []build.Result{{Assignment: build.Assignment{Node: remote}, Err: errors.New("it may have got files before it failed")}})
	assert.Assert(t, !node.IsNew(h, remote))
	assert.Assert(t, node.IsNew(h, &contexts.Node{Name: "pi", Host: "ssh://another"}), "the context leads to another machine now")
	assert.Equal(t, len(node.RecentNodes(h, "project")), 0, "it built nothing")
	noteBuild(h, "project", []build.Result{{Assignment: build.Assignment{Node: remote}}})
	assert.DeepEqual(t, node.RecentNodes(h, "project"), []string{"pi"})
}
