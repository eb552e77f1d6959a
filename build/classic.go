package build

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docker/go-units"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	apibuild "github.com/moby/moby/api/types/build"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/registry"
	dockerclient "github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build/classic"
	"github.com/docker-multiarch/docker-multiarch/build/progress"
)

// hubLogin is the name under which engines look for Docker Hub's login.
const hubLogin = "https://index.docker.io/v1/"

// classicBuilder builds with the classic builder of an engine.
type classicBuilder struct{ credentials Credentials }

// Build implements builder.
func (b *classicBuilder) Build(ctx context.Context, req Request, a Assignment, w *progress.Writer) (Image, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	view := req.Context.View(fail)
	files, err := classic.NewContext(ctx, view, req.Dockerfile)
	if err != nil {
		return Image{}, err
	}
	files.Compress = req.Classic.Compress
	options, err := classicOptions(req, a)
	if err != nil {
		return Image{}, err
	}
	if options.AuthConfigs, err = b.logins(ctx, req, a, w); err != nil {
		return Image{}, err
	}
	id, err := classic.Build(ctx, a.Node.Client(), files, options, w)
	if cause := cmp.Or(view.Err(), context.Cause(ctx)); cause != nil {
		return Image{}, cause
	}
	if err != nil {
		return Image{}, blame(ctx, a.Node, classicError(err, func(base string) string { return expandBase(req, a.Platform, base) }))
	}
	if id == "" {
		return Image{}, fmt.Errorf("building: %w", ErrNoVerdict)
	}
	image := Image{ID: id}
	image.Sent, image.Bytes = view.Sent()
	return image, nil
}

// classicError says in the words of this package what the engine reported. It
// names a base image as its FROM does, whose arguments expand fills in.
func classicError(err error, expand func(string) string) error {
	e, ok := errors.AsType[*classic.Error](err)
	switch {
	case !ok:
		return err
	case e.Base != "":
		return newBaseImageError(expand(e.Base), &EngineError{Message: e.Message})
	}
	return &EngineError{Message: e.Message}
}

// logins are those of the hosts of this request's own base images: they go with
// the request, whether the engine will need them or not.
func (b *classicBuilder) logins(ctx context.Context, req Request, a Assignment, w *progress.Writer) (map[string]registry.AuthConfig, error) {
	images, err := basesOf(req.Dockerfile, req.BuildArgs, req.Target, a.Platform)
	if err != nil {
		return nil, err
	}
	logins := map[string]registry.AuthConfig{}
	for _, host := range hostsOf(images) {
		login, err := b.credentials(ctx, host)
		if err != nil {
			return nil, err
		}
		if !login.Known() {
			continue
		}
		_ = w.Start("[auth] the login for " + host + " is given to this node").Done(nil)
		if host == hubReference {
			host = hubLogin
		}
		logins[host] = registryLogin(login)
	}
	return logins, nil
}

// classicOptions translates a request and an assignment into the options of the
// classic builder; like solveOpt it is pure.
func classicOptions(req Request, a Assignment) (dockerclient.ImageBuildOptions, error) {
	only := req.Classic
	options := dockerclient.ImageBuildOptions{
		Version: apibuild.BuilderV1, BuildArgs: classicArgs(req, a.Platform), Labels: req.Labels, Target: req.Target,
		NoCache: req.NoCache, PullParent: req.Pull, NetworkMode: req.Network, ShmSize: req.ShmSize, CgroupParent: req.CgroupParent,
		Isolation: container.Isolation(only.Isolation), SecurityOpt: only.SecurityOpt,
		Memory: only.Memory, MemorySwap: only.MemorySwap,
		CPUShares: only.CPUShares, CPUPeriod: only.CPUPeriod, CPUQuota: only.CPUQuota,
		CPUSetCPUs: only.CPUSetCPUs, CPUSetMems: only.CPUSetMems,
		Squash: only.Squash, Remove: !only.KeepContainers, ForceRemove: only.ForceRemove,
	}
	for _, name := range a.Names() {
		options.Tags = append(options.Tags, name.String())
	}
	for _, host := range req.AddHosts {
		options.ExtraHosts = append(options.ExtraHosts, strings.Replace(host, "=", ":", 1))
	}
	for _, cache := range req.CacheFrom {
		options.CacheFrom = append(options.CacheFrom, cache.Attrs["ref"])
	}
	for _, text := range req.Ulimits {
		ulimit, err := units.ParseUlimit(text)
		if err != nil {
			return options, fmt.Errorf("--ulimit: %w", err)
		}
		options.Ulimits = append(options.Ulimits, ulimit)
	}
	// An engine for Windows builds for nothing else, and older ones can't read
	// a version in a platform.
	if a.Platform.OS != "windows" {
		options.Platforms = []ocispec.Platform{a.Platform}
	}
	return options, nil
}

// classicArgs are the build arguments with those that BuildKit defines by
// itself. Those that the Dockerfile has no ARG for the engine would warn of.
func classicArgs(req Request, p ocispec.Platform) map[string]*string {
	args := map[string]*string{}
	for key, value := range automaticArgs(p) {
		// An empty value would hide the ARG's own.
		if value != "" && declares(req.Dockerfile.Content, key) {
			args[key] = &value
		}
	}
	for key, value := range req.BuildArgs {
		args[key] = &value
	}
	return args
}

// declares tells whether a Dockerfile has an ARG of that name.
func declares(dockerfile []byte, name string) bool {
	parsed, err := parser.Parse(bytes.NewReader(dockerfile))
	if err != nil {
		return false
	}
	for _, node := range parsed.AST.Children {
		if !strings.EqualFold(node.Value, "arg") {
			continue
		}
		for word := node.Next; word != nil; word = word.Next {
			if key, _, _ := strings.Cut(word.Value, "="); key == name {
				return true
			}
		}
	}
	return false
}
