package build

import (
	"maps"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	buildkit "github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/tonistiigi/fsutil"

	"github.com/docker-multiarch/docker-multiarch/build/source"
)

// exporterMoby is the exporter that leaves the image in the engine's own image
// store, whichever kind that is.
const exporterMoby = "moby"

// solveOpt translates a request and an assignment into BuildKit's options. It
// is pure: what a flag means to BuildKit is decided here and nowhere else.
func solveOpt(req Request, a Assignment, view *source.View, attach ...session.Attachable) buildkit.SolveOpt {
	return buildkit.SolveOpt{
		Frontend:      "dockerfile.v0",
		FrontendAttrs: frontendAttrs(req, a),
		LocalMounts: map[string]fsutil.FS{
			"context":    view,
			"dockerfile": req.Dockerfile.FS(),
		},
		SharedKey: req.SharedKey,
		Exports:   []buildkit.ExportEntry{{Type: exporterMoby, Attrs: exporterAttrs(a.Names())}},
		Session:   attach,
	}
}

func frontendAttrs(req Request, a Assignment) map[string]string {
	attrs := map[string]string{
		"platform": platforms.Format(a.Platform),
		"filename": req.Dockerfile.Name,
	}
	if req.Target != "" {
		attrs["target"] = req.Target
	}
	if req.NoCache {
		attrs["no-cache"] = ""
	}
	if req.Pull {
		attrs["image-resolve-mode"] = "pull"
	}
	maps.Insert(attrs, prefixed("build-arg:", req.BuildArgs))
	maps.Insert(attrs, prefixed("label:", req.Labels))
	return attrs
}

func prefixed(prefix string, values map[string]string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for k, v := range values {
			if !yield(prefix+k, v) {
				return
			}
		}
	}
}

func exporterAttrs(names []reference.NamedTagged) map[string]string {
	if len(names) == 0 {
		return nil
	}
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = name.String()
	}
	return map[string]string{"name": strings.Join(all, ",")}
}
