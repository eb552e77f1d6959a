package build

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build/source"
)

// ErrDockerfile is returned for a Dockerfile that can't be parsed, or that
// lacks the target.
var ErrDockerfile = errors.New("invalid Dockerfile")

// basesOf returns the images that the Dockerfile takes from registries, each once:
// those of FROM, of COPY --from and RUN --mount=from, and its # syntax. Build
// arguments and the values of the platform p are filled in. What can't be told
// before the build (an image named by a variable without a value) is left out:
// the build will say what is wrong with it.
func basesOf(d *source.Dockerfile, args map[string]string, target string, p ocispec.Platform) ([]reference.Named, error) {
	escape, stages, global, err := parseDockerfile(d.Content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDockerfile, located(err, d))
	}
	if err := hasTarget(stages, target); err != nil {
		return nil, err
	}
	b := bases{lex: shell.NewLex(escape), env: environment(shell.NewLex(escape), global, args, p), found: map[string]reference.Named{}}
	if syntax, _, _, ok := parser.DetectSyntax(d.Content); ok {
		b.add(syntax, nil)
	}
	for i, stage := range stages {
		b.add(stage.BaseName, stages[:i])
		for _, command := range stage.Commands {
			for _, from := range sourcesOf(command) {
				b.add(from, stages)
			}
		}
	}
	return slices.Collect(maps.Values(b.found)), nil
}

// parseDockerfile reads a Dockerfile: its escape character, its stages, and the arguments
// before them.
func parseDockerfile(content []byte) (escape rune, stages []instructions.Stage, global []instructions.ArgCommand, err error) {
	parsed, err := parser.Parse(bytes.NewReader(content))
	if err != nil {
		return 0, nil, nil, err
	}
	stages, global, err = instructions.Parse(parsed.AST, nil)
	return parsed.EscapeToken, stages, global, err
}

// expandBase fills in the arguments in the image name of a FROM, or leaves it as
// it is written.
func expandBase(req Request, p ocispec.Platform, name string) string {
	escape, _, global, err := parseDockerfile(req.Dockerfile.Content)
	if err != nil {
		return name
	}
	lex := shell.NewLex(escape)
	expanded, err := lex.ProcessWordWithMatches(name, environment(lex, global, req.BuildArgs, p))
	if err != nil || expanded.Result == "" {
		return name
	}
	return expanded.Result
}

// hostsOf returns the registry hosts of images, sorted, each once.
func hostsOf(images []reference.Named) []string {
	hosts := map[string]bool{}
	for _, image := range images {
		hosts[reference.Domain(image)] = true
	}
	return slices.Sorted(maps.Keys(hosts))
}

func hasTarget(stages []instructions.Stage, target string) error {
	if target == "" {
		return nil
	}
	if _, ok := instructions.HasStage(stages, target); ok {
		return nil
	}
	// A number is a stage's position.
	if n, err := strconv.Atoi(target); err == nil && n >= 0 && n < len(stages) {
		return nil
	}
	return fmt.Errorf("%w: no stage named %q", ErrDockerfile, target)
}

type bases struct {
	lex   *shell.Lex
	env   shell.EnvGetter
	found map[string]reference.Named
}

// add takes an image name, unless it is that of a stage.
func (b *bases) add(name string, stages []instructions.Stage) {
	expanded, err := b.lex.ProcessWordWithMatches(name, b.env)
	if err != nil || expanded.Result == "" || expanded.Result == "scratch" {
		return
	}
	if _, ok := instructions.HasStage(stages, expanded.Result); ok {
		return
	}
	named, err := reference.ParseNormalizedNamed(expanded.Result)
	if err != nil {
		return
	}
	named = reference.TagNameOnly(named)
	b.found[named.String()] = named
}

// sourcesOf returns the images or stages that a command copies from or mounts.
func sourcesOf(command instructions.Command) []string {
	switch c := command.(type) {
	case *instructions.CopyCommand:
		return notIndex(c.From)
	case *instructions.RunCommand:
		var from []string
		for _, mount := range instructions.GetMounts(c) {
			from = append(from, notIndex(mount.From)...)
		}
		return from
	}
	return nil
}

// notIndex leaves out a stage given by its number.
func notIndex(from string) []string {
	if strings.Trim(from, "0123456789") == "" {
		return nil
	}
	return []string{from}
}

// environment is what may be expanded in a FROM: BuildKit's automatic arguments,
// and the ARGs before the first stage with the values given for them. An ARG may
// be made of those before it.
func environment(lex *shell.Lex, global []instructions.ArgCommand, args map[string]string, p ocispec.Platform) shell.EnvGetter {
	var env []string
	for key, value := range automaticArgs(p) {
		env = append(env, key+"="+value)
	}
	for _, command := range global {
		for _, arg := range command.Args {
			value, ok := args[arg.Key]
			if !ok && arg.Value != nil {
				expanded, _, err := lex.ProcessWord(*arg.Value, shell.EnvsFromSlice(env))
				value, ok = expanded, err == nil
			}
			if ok {
				env = append(env, arg.Key+"="+value)
			}
		}
	}
	return shell.EnvsFromSlice(env)
}

// automaticArgs are the build arguments that BuildKit defines by itself, for a
// build of p on a node of that platform (platformOpt in its dockerfile2llb).
func automaticArgs(p ocispec.Platform) map[string]string {
	return map[string]string{
		"TARGETPLATFORM": platforms.FormatAll(p), "TARGETOS": p.OS, "TARGETOSVERSION": p.OSVersion,
		"TARGETARCH": p.Architecture, "TARGETVARIANT": p.Variant,
		"BUILDPLATFORM": platforms.Format(p), "BUILDOS": p.OS, "BUILDOSVERSION": p.OSVersion,
		"BUILDARCH": p.Architecture, "BUILDVARIANT": p.Variant,
	}
}
