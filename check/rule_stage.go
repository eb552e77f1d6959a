package check

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// targetArgs are the variables that BuildKit sets, and only for a stage that
// declares them.
var targetArgs = []string{"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"}

// checkStages judges the instructions of the stages that are built.
func (v *view) checkStages() {
	v.checkArgs(v.file.global)
	for _, s := range v.stages {
		for _, step := range s.steps {
			at := line(step.Location())
			switch c := step.Command.(type) {
			case *instructions.RunCommand:
				v.checkRun(s, step, c)
			case *instructions.ArgCommand:
				v.checkArgs([]instructions.ArgCommand{*c})
			case *instructions.EnvCommand:
				for _, pair := range c.Env {
					v.checkWord(step, pair.Value, at)
					value := step.env.expand(v.file.lex, pair.Value)
					v.checkAssign(s, assign{pair.Key, value}, at)
					v.checkPath(s, value, at)
				}
			case *instructions.CopyCommand:
				v.checkCopy(s, step, c.SourcesAndDest, c.From)
			case *instructions.AddCommand:
				v.checkCopy(s, step, c.SourcesAndDest, "")
			case *instructions.CmdCommand:
				v.checkPath(s, strings.Join(c.CmdLine, " "), at)
			case *instructions.EntrypointCommand:
				v.checkPath(s, strings.Join(c.CmdLine, " "), at)
			case *instructions.HealthCheckCommand:
				v.checkPath(s, strings.Join(c.Health.Test, " "), at)
			}
		}
	}
}

// checkArgs finds a default that hides what BuildKit sets.
func (v *view) checkArgs(commands []instructions.ArgCommand) {
	for _, c := range commands {
		for _, arg := range c.Args {
			if arg.Value != nil && slices.Contains(targetArgs, arg.Key) && v.global[arg.Key] != "" {
				v.report(Finding{
					Rule: ruleArgOverridden, Level: Error,
					Why:     fmt.Sprintf("the default of %s takes the place of the platform's own value, on every platform", arg.Key),
					Instead: "ARG " + arg.Key,
				}, line(c.Location()))
			}
		}
	}
}

// checkRun judges the commands of a RUN.
func (v *view) checkRun(s *stage, step step, c *instructions.RunCommand) {
	at := line(c.Location())
	for _, text := range scripts(c.ShellDependantCmdLine) {
		script := readScript(text, step.env)
		v.checkUndeclared(step, script.reads, at)
		var paths []string
		for _, command := range script.commands {
			paths = append(paths, v.checkCommand(s, command, at)...)
		}
		v.checkPath(s, strings.Join(paths, " "), at)
		if s.cross && !s.aware() {
			v.checkCross(script, at)
		}
	}
}

// scripts are the shell commands of a RUN: its words, or the here-documents that
// are its script.
func scripts(c instructions.ShellDependantCmdLine) []string {
	if !c.PrependShell {
		if i := slices.IndexFunc(c.CmdLine, isCommandFlag); i > 0 && i+1 < len(c.CmdLine) && isShell(c.CmdLine[0]) {
			return []string{c.CmdLine[i+1]}
		}
		quoted := make([]string, len(c.CmdLine))
		for i, word := range c.CmdLine {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		return []string{strings.Join(quoted, " ")}
	}
	text := strings.Join(c.CmdLine, " ")
	if len(c.Files) == 0 {
		return []string{text}
	}
	here, reader, _ := strings.Cut(text, " ")
	program := strings.Fields(reader)
	if first, _, _ := strings.Cut(c.Files[0].Data, "\n"); len(program) == 0 && strings.HasPrefix(first, "#!") {
		program = strings.Fields(first[2:])
		if len(program) > 0 && path.Base(program[0]) == "env" {
			program = slices.DeleteFunc(program[1:], func(word string) bool { return word == "-S" })
		}
	}
	switch {
	case !strings.HasPrefix(here, "<<"):
		lines := []string{text}
		for _, file := range c.Files {
			lines = append(lines, file.Data+file.Name)
		}
		return []string{strings.Join(lines, "\n") + "\n"}
	case len(program) == 0 || isShell(program[0]):
		return []string{c.Files[0].Data}
	}
	return nil // a script in another language
}

func isShell(program string) bool {
	return slices.Contains([]string{"sh", "bash", "ash", "dash", "zsh"}, path.Base(program))
}

// isCommandFlag says whether a shell takes its commands from the next word: -c, -lc, -euxc.
func isCommandFlag(word string) bool {
	return strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "--") && strings.HasSuffix(word, "c")
}

// checkWord judges the variables in a word of an instruction other than RUN.
func (v *view) checkWord(step step, word string, at int) {
	if result, err := v.file.lex.ProcessWordWithMatches(word, step.env); err == nil {
		v.checkUndeclared(step, slices.Sorted(maps.Keys(result.Unmatched)), at)
	}
}

func (v *view) checkUndeclared(step step, names []string, at int) {
	for _, name := range names {
		if _, ok := step.env[name]; !ok && slices.Contains(targetArgs, name) {
			v.report(Finding{
				Rule: ruleArgUndeclared, Level: Error,
				Why:     name + " is empty here: the stage does not declare it",
				Instead: fmt.Sprintf("ARG %s, before this line and after FROM", name),
			}, at)
		}
	}
}

// aware says whether the stage, or one that it is built on, knows its target.
func (s *stage) aware() bool {
	return s.inherits(func(s *stage) bool {
		return slices.ContainsFunc(s.steps, func(step step) bool {
			arg, ok := step.Command.(*instructions.ArgCommand)
			return ok && slices.ContainsFunc(arg.Args, func(a instructions.KeyValuePairOptional) bool { return strings.HasPrefix(a.Key, "TARGET") })
		})
	})
}

// inherits says whether s, or a stage that it is built on, is ok.
func (s *stage) inherits(ok func(*stage) bool) bool {
	return s != nil && (ok(s) || s.parent.inherits(ok))
}

// checkCross finds programs that are compiled for the machine that builds.
func (v *view) checkCross(script script, at int) {
	for _, c := range script.commands {
		if slices.ContainsFunc(c.assigns, func(a assign) bool { return a.name == "GOARCH" }) || !compiles(c) {
			continue
		}
		v.report(Finding{
			Rule: ruleBuildStage, Level: Warning,
			Why:     c.name() + " in a stage for $BUILDPLATFORM compiles for the machine that builds, whatever platform is wanted",
			Instead: "ARG TARGETOS TARGETARCH in the stage, and a compiler told of them (GOOS=$TARGETOS GOARCH=$TARGETARCH go build …)",
		}, at)
	}
}

func compiles(c command) bool {
	switch c.name() {
	case "go":
		return len(c.words) > 1 && c.words[1] == "build" // go install is for tools of the build itself
	case "cargo":
		return len(c.words) > 1 && c.words[1] == "build"
	case "gcc", "g++", "clang", "clang++", "cc":
		return true
	}
	return false
}
