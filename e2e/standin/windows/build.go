package windows

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/distribution/reference"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/go-archive/compression"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// building is one build (builder/dockerfile/builder.go, Builder).
type building struct {
	engine *Engine
	out    *stream

	args      map[string]*string // of the request
	labels    map[string]string
	target    string
	isolation string
	logins    map[string]registry.AuthConfig

	context tree
	lex     *shell.Lex
	meta    map[string]string // the ARGs before the first FROM
	used    map[string]bool   // the args that a Dockerfile asks for
	stages  []stage
}

// stage is one that is done.
type stage struct {
	name  string
	image v1.Image
}

// build follows api/server/router/build/build_routes.go, postBuild, and api/server/backend/build/backend.go, Build. Nothing is
// answered before the request was read (wrapOutputBufferedUntilRequestRead).
func (e *Engine) build(w http.ResponseWriter, r *http.Request, _ string) error {
	b, err := e.newBuild(r)
	if err != nil {
		return &statusError{http.StatusBadRequest, err.Error()}
	}
	names, err := sanitize(r.Form["t"])
	if err != nil {
		return err
	}
	dockerfile, err := b.readContext(r)
	if err != nil {
		return err
	}
	b.out = newStream(w)
	image, err := b.run(r.Context(), dockerfile)
	if err != nil {
		b.out.fail(err)
		return nil
	}
	id, err := e.keep(docker2(image))
	if err != nil {
		b.out.fail(err)
		return nil
	}
	b.out.printf("Successfully built %s\n", short(id))
	for _, name := range names {
		e.setTag(name, id)
		b.out.printf("Successfully tagged %s\n", reference.FamiliarString(name))
	}
	return nil
}

// newBuild follows api/server/router/build/build_routes.go, newImageBuildOptions and getAuthConfigs.
func (e *Engine) newBuild(r *http.Request) (*building, error) {
	b := &building{engine: e, meta: map[string]string{}, used: map[string]bool{}}
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	if version := r.Form.Get("version"); version != "" && version != "1" {
		return nil, fmt.Errorf("a stand-in for Windows has no builder %q", version)
	}
	for _, wants := range []string{"remote", "squash", "outputs", "q"} {
		if r.Form.Get(wants) != "" && r.Form.Get(wants) != "0" {
			return nil, fmt.Errorf("a stand-in does not know %s", wants)
		}
	}
	if text := r.Form.Get("buildargs"); text != "" {
		if err := json.Unmarshal([]byte(text), &b.args); err != nil {
			return nil, fmt.Errorf("error reading build args: %w", err)
		}
	}
	if text := r.Form.Get("labels"); text != "" {
		if err := json.Unmarshal([]byte(text), &b.labels); err != nil {
			return nil, fmt.Errorf("error reading labels: %w", err)
		}
	}
	b.target, b.isolation = r.Form.Get("target"), strings.ToLower(r.Form.Get("isolation"))
	if !slices.Contains([]string{"", "default", "process", "hyperv"}, b.isolation) {
		return nil, fmt.Errorf("unsupported isolation: %q", b.isolation)
	}
	if text := r.Header.Get("X-Registry-Config"); text != "" {
		_ = json.NewDecoder(base64.NewDecoder(base64.URLEncoding, strings.NewReader(text))).Decode(&b.logins)
	}
	return b, nil
}

// sanitize follows api/server/backend/build/tag.go, sanitizeRepoAndTags.
func sanitize(names []string) ([]reference.Named, error) {
	var all []reference.Named
	for _, name := range names {
		named, err := reference.ParseNormalizedNamed(name)
		if err != nil {
			return nil, err
		}
		all = append(all, reference.TagNameOnly(named))
	}
	return all, nil
}

// readContext follows builder/remotecontext/detect.go: newArchiveRemote, withDockerfileFromContext and removeDockerfile.
func (b *building) readContext(r *http.Request) (*parser.Result, error) {
	archive, err := compression.DecompressStream(r.Body)
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	if b.context, err = untar(archive, "/"); err != nil {
		return nil, err
	}
	name := r.Form.Get("dockerfile")
	if name == "" {
		name = "Dockerfile"
	}
	file, found := b.context[key(name)]
	if !found {
		return nil, fmt.Errorf("Cannot locate specified Dockerfile: %s", name) //nolint:staticcheck // the engine's words
	}
	parsed, err := parser.Parse(bytes.NewReader(file.content))
	if err != nil {
		return nil, fmt.Errorf("failed to parse %s: %w", name, err)
	}
	ignore, found := b.context[key(".dockerignore")]
	if !found {
		return parsed, nil
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(ignore.content))
	if err != nil {
		return nil, fmt.Errorf("error reading .dockerignore: %w", err)
	}
	for _, path := range []string{".dockerignore", name} {
		if gone, _ := patternmatcher.MatchesOrParentMatches(path, patterns); gone {
			delete(b.context, key(path))
		}
	}
	return parsed, nil
}

// run follows builder/dockerfile/builder.go: build and dispatchDockerfileWithCancellation.
func (b *building) run(ctx context.Context, dockerfile *parser.Result) (v1.Image, error) {
	stages, meta, err := instructions.Parse(dockerfile.AST, nil)
	if err != nil {
		return nil, err
	}
	if b.target != "" {
		at, found := instructions.HasStage(stages, b.target)
		if !found {
			return nil, fmt.Errorf("target stage %q could not be found", b.target)
		}
		stages = stages[:at+1]
	}
	for _, key := range slices.Sorted(maps.Keys(b.labels)) {
		stages[len(stages)-1].AddCommand(instructions.NewLabelCommand(key, b.labels[key], true))
	}
	b.lex = shell.NewLex(dockerfile.EscapeToken)
	step, steps := 0, len(meta)+len(stages)
	for _, s := range stages {
		steps += len(s.Commands)
	}
	next := func(what any) { step++; b.out.printf("Step %d/%d : %s\n", step, steps, what) }
	for i := range meta {
		next(&meta[i])
		if err := b.metaArg(&meta[i]); err != nil {
			return nil, err
		}
	}
	for _, s := range stages {
		next(s.SourceCode)
		if err := b.stage(ctx, s, next); err != nil {
			return nil, err
		}
	}
	b.warn()
	return b.stages[len(b.stages)-1].image, nil
}

func (b *building) stage(ctx context.Context, s instructions.Stage, next func(any)) error {
	base, err := b.from(ctx, s)
	if err != nil {
		return err
	}
	state, err := newState(b, base)
	if err != nil {
		return err
	}
	if err := state.show(); err != nil {
		return err
	}
	for _, command := range s.Commands {
		if ctx.Err() != nil {
			return errors.New("Build cancelled") //nolint:staticcheck // the engine's words
		}
		next(command)
		if err := state.dispatch(ctx, command); err != nil {
			return err
		}
		if err := state.show(); err != nil {
			return err
		}
	}
	id, err := docker2(state.image).ConfigName()
	if err != nil {
		return err
	}
	b.out.aux(map[string]string{"ID": id.String()}) // emitImageID
	b.stages = append(b.stages, stage{s.Name, state.image})
	return nil
}

// metaArg follows processMetaArg.
func (b *building) metaArg(c *instructions.ArgCommand) error {
	if err := c.Expand(func(word string) (string, error) {
		expanded, _, err := b.lex.ProcessWord(word, environ(b.meta))
		return expanded, err
	}); err != nil {
		return err
	}
	for _, arg := range c.Args {
		b.declare(arg, b.meta)
	}
	return nil
}

// declare sets what an ARG is: the request's value, else its own (builder/dockerfile/buildargs.go, getBuildArg).
func (b *building) declare(arg instructions.KeyValuePairOptional, into map[string]string) {
	b.used[arg.Key] = true
	value := arg.Value
	if given, ok := b.args[arg.Key]; ok {
		value = given
	} else if outer, ok := b.meta[arg.Key]; ok && value == nil {
		value = &outer
	}
	if value != nil {
		into[arg.Key] = *value
	}
}

// warn follows builder/dockerfile/buildargs.go, WarnOnUnusedBuildArgs.
func (b *building) warn() {
	var unused []string
	for _, key := range slices.Sorted(maps.Keys(b.args)) {
		if !b.used[key] {
			unused = append(unused, key)
		}
	}
	if len(unused) > 0 {
		b.out.printf("[Warning] One or more build-args %v were not consumed\n", unused)
	}
}

// from follows builder/dockerfile/dispatchers.go: getFromImage and getImageOrStage.
func (b *building) from(ctx context.Context, s instructions.Stage) (v1.Image, error) {
	name, _, err := b.lex.ProcessWord(s.BaseName, environ(b.meta))
	if err != nil {
		return nil, err
	}
	switch name {
	case "":
		return nil, fmt.Errorf("base name (%s) should not be blank", s.BaseName)
	case "scratch":
		return nil, errors.New("Windows does not support FROM scratch") //nolint:staticcheck // the engine's words
	}
	return b.imageOrStage(ctx, name)
}

func (b *building) imageOrStage(ctx context.Context, name string) (v1.Image, error) {
	for _, done := range slices.Backward(b.stages) {
		if strings.EqualFold(done.name, name) {
			return done.image, nil
		}
	}
	if _, image, err := b.engine.find(name); err == nil {
		return image, nil
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil, err
	}
	named = reference.TagNameOnly(named)
	return b.engine.pull(ctx, b.out, named, b.logins[reference.Domain(named)])
}

func environ(values map[string]string) shell.EnvGetter {
	var all []string
	for key, value := range values {
		all = append(all, key+"="+value)
	}
	return shell.EnvsFromSlice(all)
}
