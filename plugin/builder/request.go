package builder

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"strings"

	"github.com/docker/cli/opts"
	buildctl "github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// request returns what is to be built for an assignment: each flag with the
// values that hold for its platform. Its errors are usage errors.
func (s *session) request(ctx context.Context, a build.Assignment) (build.Request, error) {
	o, p := s.input.options, a.Platform
	request := build.Request{
		Context: s.snapshot, SharedKey: s.sharedKey, Target: o.target.Single(p),
		Labels: opts.ConvertKVStringsToMap(o.labels.List(p)),
		Call:   o.call, NoCache: o.noCache, NoCacheFilter: o.noCacheFilter, Pull: o.pull,
		ShmSize: o.shmSize.Value(), CgroupParent: o.cgroupParent,
	}
	var err error
	if request.Classic, err = o.classic.of(p); err != nil {
		return request, err
	}
	for _, ulimit := range o.ulimits.GetList() {
		request.Ulimits = append(request.Ulimits, ulimit.String())
	}
	for _, read := range []func(*build.Request, build.Assignment) error{
		s.readDockerfile, s.readBuildArgs, s.readNetwork, s.readHosts, s.readAnnotations, s.readAttests, s.readCaches, s.readSecrets, s.setOutput, s.readTests,
	} {
		if err := read(&request, a); err != nil {
			return request, err
		}
	}
	return request, s.readNamedContexts(ctx, &request, a)
}

func (s *session) readDockerfile(r *build.Request, a build.Assignment) (err error) {
	r.Dockerfile, err = s.input.dockerfiles.Of(a.Platform)
	return err
}

// readBuildArgs takes a build argument without a value from the environment, and
// leaves it out if it is not set there, as docker build does. The proxies of the
// Docker configuration and SOURCE_DATE_EPOCH become arguments too.
func (s *session) readBuildArgs(r *build.Request, a build.Assignment) error {
	r.BuildArgs = map[string]string{}
	given := opts.ConvertKVStringsToMapWithNil(s.input.options.buildArgs.List(a.Platform))
	for key, value := range s.cli.ConfigFile().ParseProxyConfig(a.Node.Host, given) {
		if value != nil {
			r.BuildArgs[key] = *value
		} else if fromEnv, ok := os.LookupEnv(key); ok {
			r.BuildArgs[key] = fromEnv
		}
	}
	if epoch := os.Getenv(build.EpochArg); epoch != "" {
		if _, ok := r.BuildArgs[build.EpochArg]; !ok {
			r.BuildArgs[build.EpochArg] = epoch
		}
	}
	return nil
}

// readNetwork takes the modes that BuildKit has, and leaves out what it does
// anyway.
func (s *session) readNetwork(r *build.Request, a build.Assignment) error {
	switch mode := s.input.options.network.Single(a.Platform); {
	case mode == "", mode == "default":
	case mode == "none", mode == "host", a.Node.Engine.Builder == contexts.Classic: // which knows networks by name
		r.Network = mode
	default:
		return argument.Wrong(fmt.Errorf("invalid --network %q: must be default, none or host", mode))
	}
	return nil
}

// readHosts turns host:ip into BuildKit's host=ip. The host gateway is left to
// each node, which has one of its own.
func (s *session) readHosts(r *build.Request, a build.Assignment) error {
	for _, value := range s.input.options.addHosts.List(a.Platform) {
		checked, err := opts.ValidateExtraHost(value)
		if err != nil {
			return argument.Wrong(fmt.Errorf("invalid --add-host: %w", err))
		}
		host, ip, _ := strings.Cut(checked, ":")
		if ip != build.HostGateway && net.ParseIP(ip) == nil {
			return argument.Wrong(fmt.Errorf("invalid --add-host %q: %q is no IP address", value, ip))
		}
		r.AddHosts = append(r.AddHosts, host+"="+ip)
	}
	return nil
}

// readAnnotations takes the annotations of images.
func (s *session) readAnnotations(r *build.Request, a build.Assignment) error {
	r.Annotations = map[string]string{}
	for _, value := range s.input.options.annotations.List(a.Platform) {
		level, key, text, err := parseAnnotation(value)
		if err != nil {
			return err
		}
		if level == levelManifest {
			r.Annotations[key] = text
		}
	}
	return nil
}

// indexAnnotations are those of the index, whatever platform they stand for.
func (s *session) indexAnnotations() map[string]string {
	annotations := map[string]string{}
	for _, v := range s.input.options.annotations.All {
		if level, key, text, err := parseAnnotation(v.Value); err == nil && level == levelIndex {
			annotations[key] = text
		}
	}
	return annotations
}

// What an annotation is of.
const (
	levelManifest = "manifest"
	levelIndex    = "index"
)

// parseAnnotation reads [manifest:|index:]KEY=VALUE, as docker buildx does.
func parseAnnotation(value string) (level, key, text string, err error) {
	level, rest, found := strings.Cut(value, ":")
	if !found || strings.Contains(level, "=") {
		level, rest = levelManifest, value
	}
	key, text, ok := strings.Cut(rest, "=")
	if !ok || key == "" || level != levelManifest && level != levelIndex {
		return "", "", "", argument.Wrong(fmt.Errorf("invalid --annotation %q: want [manifest:|index:]KEY=VALUE", value))
	}
	return level, key, text, nil
}

func (s *session) readCaches(r *build.Request, a build.Assignment) error {
	o := s.input.options
	from, err := cacheEntries(o.cacheFrom.List(a.Platform))
	if err == nil {
		r.CacheFrom, err = buildctl.ParseImportCache(from)
	}
	if err != nil {
		return argument.Wrong(fmt.Errorf("invalid --cache-from: %w", err))
	}
	to, err := cacheEntries(o.cacheTo.List(a.Platform))
	if err == nil {
		r.CacheTo, err = buildctl.ParseExportCache(to)
	}
	if err != nil {
		return argument.Wrong(fmt.Errorf("invalid --cache-to: %w", err))
	}
	return nil
}

// cacheEntries writes out what a bare image name means.
func cacheEntries(values []string) ([]string, error) {
	entries := make([]string, len(values))
	for i, value := range values {
		switch {
		case !strings.Contains(value, "="):
			value = "type=registry,ref=" + value
		case !strings.Contains(value, "type="):
			return nil, fmt.Errorf("%q has no type, as in type=registry,ref=NAME", value)
		}
		entries[i] = value
	}
	return entries, nil
}

// readSecrets attaches the secrets and the ssh agents. Their values are read
// when a node asks for them.
func (s *session) readSecrets(r *build.Request, a build.Assignment) error {
	if values := s.input.options.secrets.List(a.Platform); len(values) > 0 {
		if err := secretsExist(values); err != nil {
			return argument.Wrong(fmt.Errorf("invalid --secret: %w", err))
		}
		secrets, err := buildctl.ParseSecret(values)
		if err != nil {
			return argument.Wrong(fmt.Errorf("invalid --secret: %w", err))
		}
		r.Secrets = secrets
	}
	if values := s.input.options.ssh.List(a.Platform); len(values) > 0 {
		agents, err := buildctl.ParseSSH(lastOfEach(values))
		if err != nil {
			return argument.Wrong(fmt.Errorf("invalid --ssh: %w", err))
		}
		provider, err := sshprovider.NewSSHAgentProvider(agents)
		if err != nil {
			return argument.Wrong(fmt.Errorf("invalid --ssh: %w", err))
		}
		r.SSH = provider
	}
	return nil
}

// lastOfEach keeps the last value of each ID, which is the more specific one.
func lastOfEach(values []string) []string {
	last := map[string]int{}
	for i, value := range values {
		id, _, _ := strings.Cut(value, "=")
		last[id] = i
	}
	var kept []string
	for i, value := range values {
		if id, _, _ := strings.Cut(value, "="); last[id] == i {
			kept = append(kept, value)
		}
	}
	return kept
}

// secretsExist finds variables that are not set: BuildKit would pass an empty
// secret.
func secretsExist(values []string) error {
	for _, value := range values {
		for _, field := range strings.Split(value, ",") {
			if name, ok := strings.CutPrefix(field, "env="); ok {
				if _, set := os.LookupEnv(name); !set {
					return fmt.Errorf("the variable %s is not set", name)
				}
			}
		}
	}
	return nil
}

// checkPlatformValues finds values for a platform that is not built.
func (o *options) checkPlatformValues(planned []ocispec.Platform) error {
	all := o.classic.values()
	maps.Copy(all, map[string]*argument.PlatformValues{
		"file": &o.file, "build-arg": &o.buildArgs, "label": &o.labels, "target": &o.target,
		"annotation": &o.annotations, "secret": &o.secrets, "ssh": &o.ssh, "build-context": &o.buildContexts,
		"cache-from": &o.cacheFrom, "cache-to": &o.cacheTo, "add-host": &o.addHosts, "network": &o.network, "output": &o.output,
		"test": &o.tests, "test-file": &o.testFiles,
	})
	for flag, values := range all {
		if err := values.Check(flag, planned); err != nil {
			return err
		}
	}
	return nil
}
