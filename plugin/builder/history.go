package builder

import (
	"time"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/contexts/history"
)

// noteBuild remembers who built the project and was sent its files.
func noteBuild(h *history.History, project string, results []build.Result) {
	if h == nil {
		return
	}
	built := &history.Project{Built: time.Now()}
	for _, r := range results {
		h.Node(r.Node.Name, r.Node.Host).Received = built.Built
		if r.Err == nil {
			built.Nodes = append(built.Nodes, r.Node.Name)
		}
	}
	if len(built.Nodes) > 0 {
		h.Projects[project] = built
	}
}
