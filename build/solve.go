package build

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"strconv"
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

// exporterImage is the exporter that pushes.
const exporterImage = "image"

// localContext is the name under which a named context's directory is served.
const localContext = "named-"

// solveOpt translates a request and an assignment into BuildKit's options. It
// is pure: what a flag means to BuildKit is decided here and nowhere else.
func solveOpt(req Request, a Assignment, m mounts, auth session.Attachable) buildkit.SolveOpt {
	return buildkit.SolveOpt{
		Frontend:            "dockerfile.v0",
		FrontendAttrs:       frontendAttrs(req, a),
		LocalMounts:         m.all,
		LocalFilterOpt:      m.filter,
		SharedKey:           req.SharedKey,
		Exports:             exports(req, a),
		CacheImports:        req.CacheFrom,
		CacheExports:        req.CacheTo,
		AllowedEntitlements: entitlements(req),
		Session:             attached(req, auth),
	}
}

// attached is what the session offers beside files.
func attached(req Request, auth session.Attachable) []session.Attachable {
	all := []session.Attachable{auth}
	for _, more := range []session.Attachable{req.Secrets, req.SSH} {
		if more != nil {
			all = append(all, more)
		}
	}
	return all
}

// mounts are the file systems that the session serves to one node: the build
// context without what the Dockerfile's ignore file rules out, the Dockerfile,
// and the directories of named contexts.
type mounts struct {
	all   map[string]fsutil.FS
	views map[string]*source.View
}

func newMounts(req Request, view *source.View, failed func(error)) (mounts, error) {
	files, err := view.Without(req.Dockerfile.Exclude)
	if err != nil {
		return mounts{}, fmt.Errorf("ignore file: %w", err)
	}
	m := mounts{
		all:   map[string]fsutil.FS{"context": files, "dockerfile": req.Dockerfile.FS()},
		views: map[string]*source.View{"context": view},
	}
	for name, context := range req.NamedContexts {
		if context.Dir != nil {
			v := context.Dir.View(failed)
			m.all[localContext+name], m.views[localContext+name] = v, v
		}
	}
	return m, nil
}

// filter has the views told what passes the engine's own filter, the last one.
func (m mounts) filter(name string, opt *fsutil.FilterOpt) error {
	if v := m.views[name]; v != nil {
		opt.Map = v.Used
	}
	return nil
}

func frontendAttrs(req Request, a Assignment) map[string]string {
	attrs := map[string]string{
		"platform": platforms.Format(a.Platform),
		"filename": req.Dockerfile.Name,
	}
	given := map[string]string{
		"target":             req.Target,
		"no-cache":           strings.Join(req.NoCacheFilter, ","),
		"add-hosts":          strings.Join(req.AddHosts, ","),
		"force-network-mode": req.Network,
		"ulimit":             strings.Join(req.Ulimits, ","),
		"cgroup-parent":      req.CgroupParent,
	}
	for key, value := range given {
		if value != "" {
			attrs[key] = value
		}
	}
	if req.NoCache {
		attrs["no-cache"] = ""
	}
	if req.Pull {
		attrs["image-resolve-mode"] = "pull"
	}
	if req.ShmSize > 0 {
		attrs["shm-size"] = strconv.FormatInt(req.ShmSize, 10)
	}
	for name, context := range req.NamedContexts {
		attrs["context:"+name] = cmp.Or(context.Location, "local:"+localContext+name)
	}
	maps.Insert(attrs, prefixed("build-arg:", req.BuildArgs))
	maps.Insert(attrs, prefixed("label:", req.Labels))
	maps.Insert(attrs, prefixed("attest:", req.Attests))
	return attrs
}

func prefixed(prefix string, values map[string]string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for k, v := range values {
			if !yield(prefix+k, v) {
				return
			}
		}
	}
}

// entitlements are the rights that a build asks for beyond the usual.
func entitlements(req Request) []string {
	if req.Network == "host" {
		return []string{"network.host"}
	}
	return nil
}

func exporterAttrs(req Request, names []reference.NamedTagged) map[string]string {
	attrs := maps.Collect(prefixed("annotation.", req.Annotations))
	if len(req.Annotations) > 0 {
		// Docker's media types have no annotations: they would be dropped.
		attrs["oci-mediatypes"] = "true"
	}
	if len(names) > 0 {
		all := make([]string, len(names))
		for i, name := range names {
			all[i] = name.String()
		}
		attrs["name"] = strings.Join(all, ",")
	}
	return attrs
}
