package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// view is a Dockerfile as it is built for one platform.
type view struct {
	Input
	file   *dockerfile
	global env
	stages map[int]*stage
	// images are those that come from registries, in the order in which the
	// Dockerfile names them.
	images []imageUse
	found  []Finding
}

// stage is a stage that the target needs.
type stage struct {
	instructions.Stage
	index int
	// platform is what it is built for: the view's, unless FROM says another.
	platform ocispec.Platform
	// constant says that FROM names a platform that is not the wanted one, and
	// cross that it is the build platform's own.
	constant, cross bool
	// final says that the target is built on it, not that it copies from it.
	final bool
	// parent is the stage that it is built on, if it is one.
	parent *stage
	steps  []step
	// env is what an instruction after the last one would see.
	env env
}

// step is one instruction and the variables that it sees.
type step struct {
	instructions.Command
	env env
}

// imageUse is one place where an image is named.
type imageUse struct {
	name     string
	line     int
	stage    *stage
	platform ocispec.Platform
	from     bool // by FROM
}

func newView(d *dockerfile, in Input) (*view, error) {
	v := &view{file: d, Input: in, stages: map[int]*stage{}, global: env{}}
	target, err := d.target(in.Target)
	if err != nil {
		return nil, err
	}
	p := in.Platform
	for _, prefix := range []string{"TARGET", "BUILD"} {
		v.global[prefix+"PLATFORM"], v.global[prefix+"OS"], v.global[prefix+"OSVERSION"] = platforms.Format(p), p.OS, p.OSVersion
		v.global[prefix+"ARCH"], v.global[prefix+"VARIANT"] = p.Architecture, p.Variant
	}
	for _, command := range d.global {
		v.global.declare(d.lex, command.Args, in.Args, v.global)
	}
	v.reach(target, true)
	slices.SortStableFunc(v.images, func(a, b imageUse) int { return a.line - b.line })
	return v, nil
}

// reach takes a stage and all that it is made of.
func (v *view) reach(i int, final bool) *stage {
	if s, ok := v.stages[i]; ok {
		if final && !s.final {
			s.final = true
			if s.parent != nil {
				v.reach(s.parent.index, true)
			}
		}
		return s
	}
	s := &stage{Stage: v.file.stages[i], index: i, platform: v.Platform, final: final, env: env{}}
	v.stages[i] = s
	v.readPlatform(s)
	base := v.global.expand(v.file.lex, s.BaseName)
	if parent, ok := v.file.find(base, i); ok {
		s.parent = v.reach(parent, final)
		s.cross = s.cross || s.Platform == "" && s.parent.cross
		s.constant = s.constant || s.Platform == "" && s.parent.constant
		s.platform = s.parent.platform
		s.env = s.parent.env
	} else {
		v.image(imageUse{name: base, line: line(s.Location), stage: s, platform: s.platform, from: true})
	}
	for _, command := range s.Commands {
		v.sources(s, command)
		s.steps = append(s.steps, step{command, s.env})
		s.env = v.after(s.env, command)
	}
	for _, command := range triggers(s.Commands) {
		s.steps = append(s.steps, step{command, s.env})
		s.env = v.after(s.env, command)
	}
	return s
}

func (v *view) readPlatform(s *stage) {
	text := v.global.expand(v.file.lex, s.Platform)
	p, err := platforms.Parse(text)
	if text == "" || err != nil {
		return
	}
	s.platform = platforms.Normalize(p)
	s.cross = strings.Contains(s.Platform, "BUILDPLATFORM")
	s.constant = !s.cross && platforms.Format(s.platform) != platforms.Format(v.Platform)
}

// sources takes the stages and images that a command copies from or mounts.
func (v *view) sources(s *stage, command instructions.Command) {
	from := make([]string, 0, 1)
	switch c := command.(type) {
	case *instructions.CopyCommand:
		from = append(from, c.From)
	case *instructions.RunCommand:
		for _, mount := range instructions.GetMounts(c) {
			from = append(from, mount.From)
		}
	}
	for _, name := range from {
		name = v.global.expand(v.file.lex, name)
		if i, ok := v.file.find(name, s.index); ok {
			v.reach(i, false)
		} else {
			v.image(imageUse{name: name, line: line(command.Location()), stage: s, platform: s.platform})
		}
	}
}

func (v *view) image(use imageUse) {
	if use.name != "" && use.name != "scratch" {
		v.images = append(v.images, use)
	}
}

// triggers are the instructions that ONBUILD keeps for what is built on a stage, on the
// lines of their ONBUILD. Of another build's context and stages nothing can be said.
func triggers(all []instructions.Command) []instructions.Command {
	var kept []instructions.Command
	for _, command := range all {
		onbuild, ok := command.(*instructions.OnbuildCommand)
		if !ok {
			continue
		}
		parsed, err := parser.Parse(strings.NewReader(onbuild.Expression))
		if err != nil || len(parsed.AST.Children) != 1 {
			continue // for the build that runs it to say
		}
		node := parsed.AST.Children[0]
		node.StartLine, node.EndLine = line(onbuild.Location()), line(onbuild.Location())
		if trigger, err := instructions.ParseCommand(node); err == nil && !ofContext(trigger) {
			kept = append(kept, trigger)
		}
	}
	return kept
}

// ofContext says whether an instruction takes files of the build's own context or stages.
func ofContext(command instructions.Command) bool {
	switch c := command.(type) {
	case *instructions.CopyCommand:
		return true
	case *instructions.AddCommand:
		return !slices.ContainsFunc(c.SourcePaths, func(source string) bool { return strings.Contains(source, "://") })
	}
	return false
}

// after returns what the instructions after a command see.
func (v *view) after(before env, command instructions.Command) env {
	after := maps.Clone(before)
	switch c := command.(type) {
	case *instructions.ArgCommand:
		after.declare(v.file.lex, c.Args, v.Args, v.global)
	case *instructions.EnvCommand:
		for _, pair := range c.Env {
			after[pair.Key] = before.expand(v.file.lex, pair.Value)
		}
	default:
		return before
	}
	return after
}
