package windows

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// state is that of a stage under way (builder/dockerfile/evaluator.go, dispatchState).
type state struct {
	*building

	image   v1.Image
	config  v1.Config
	allowed map[string]string // the ARGs of the stage
	command bool              // there was a CMD
}

func newState(b *building, base v1.Image) (*state, error) {
	config, err := base.ConfigFile()
	if err != nil {
		return nil, err
	}
	return &state{building: b, image: base, config: config.DeepCopy().Config, allowed: map[string]string{}}, nil
}

func (s *state) show() error {
	id, err := s.image.ConfigName()
	if err == nil {
		s.out.printf(" ---> %s\n", short(id.String()))
	}
	return err
}

// env follows builder/dockerfile/evaluator.go, dispatch: what ENV sets hides what an ARG sets.
func (s *state) env() shell.EnvGetter {
	all := slices.Clone(s.config.Env)
	for key, value := range s.allowed {
		if !slices.ContainsFunc(s.config.Env, func(kv string) bool { return strings.HasPrefix(kv, key+"=") }) {
			all = append(all, key+"="+value)
		}
	}
	return shell.EnvsFromSlice(all)
}

// dispatch follows builder/dockerfile/evaluator.go and dispatchers.go. Instructions that no test needs are refused.
func (s *state) dispatch(ctx context.Context, command instructions.Command) error {
	if expandable, ok := command.(instructions.SupportsSingleWordExpansion); ok {
		if err := expandable.Expand(func(word string) (string, error) {
			expanded, _, err := s.lex.ProcessWord(word, s.env())
			return expanded, err
		}); err != nil {
			return err
		}
	}
	switch c := command.(type) {
	case *instructions.ArgCommand:
		for _, arg := range c.Args {
			s.declare(arg, s.allowed)
		}
		return s.note("ARG " + c.Args[0].Key)
	case *instructions.EnvCommand:
		return s.setEnv(c)
	case *instructions.LabelCommand:
		if s.config.Labels == nil {
			s.config.Labels = map[string]string{}
		}
		for _, label := range c.Labels {
			s.config.Labels[label.Key] = label.Value
		}
		return s.note(c.String())
	case *instructions.WorkdirCommand:
		return s.workdir(c)
	case *instructions.CopyCommand:
		return s.copy(ctx, c)
	case *instructions.RunCommand:
		return s.runCommand(c)
	case *instructions.CmdCommand:
		s.config.Cmd, s.config.ArgsEscaped = s.resolve(c.ShellDependantCmdLine, c.Name(), c.String())
		s.command = true
		return s.note(fmt.Sprintf("CMD %q", s.config.Cmd))
	case *instructions.EntrypointCommand:
		s.config.Entrypoint, s.config.ArgsEscaped = s.resolve(c.ShellDependantCmdLine, c.Name(), c.String())
		if !s.command {
			s.config.Cmd = nil
		}
		return s.note(fmt.Sprintf("ENTRYPOINT %q", s.config.Entrypoint))
	case *instructions.ShellCommand:
		s.config.Shell = c.Shell
		return s.note(fmt.Sprintf("SHELL %v", c.Shell))
	case *instructions.UserCommand:
		s.config.User = c.User
		return s.note("USER " + c.User)
	}
	return fmt.Errorf("a stand-in does not know %s", command.Name())
}

func (s *state) setEnv(c *instructions.EnvCommand) error {
	for _, kv := range c.Env {
		s.config.Env = slices.DeleteFunc(s.config.Env, func(old string) bool { return strings.HasPrefix(old, kv.Key+"=") })
		s.config.Env = append(s.config.Env, kv.Key+"="+kv.Value)
	}
	return s.note(c.String())
}

// workdir follows builder/dockerfile/dispatchers_windows.go, normalizeWorkdirWindows: C:\ and the directory.
func (s *state) workdir(c *instructions.WorkdirCommand) error {
	s.config.WorkingDir = `C:` + strings.ReplaceAll(s.absolute(c.Path), "/", `\`)
	files := tree{}
	files.put(entry{path: s.absolute(c.Path), dir: true, time: time.Now()})
	return s.commit(s.shell()+" #(nop) WORKDIR "+s.config.WorkingDir, files)
}

// absolute is a path of Windows as one with slashes and without the drive, which is C: always.
func (s *state) absolute(name string) string {
	slashes := func(name string) string {
		name = strings.ReplaceAll(name, `\`, "/")
		if len(name) > 1 && name[1] == ':' {
			name = name[2:]
		}
		return name
	}
	name = slashes(name)
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", slashes(s.config.WorkingDir), name)
}

// shell follows builder/dockerfile/internals.go, getShell.
func (s *state) shell() string {
	if len(s.config.Shell) > 0 {
		return strings.Join(s.config.Shell, " ")
	}
	return "cmd /S /C"
}

// resolve follows builder/dockerfile/dispatchers_windows.go, resolveCmdLine: the shell form is one string, not parsed.
func (s *state) resolve(line instructions.ShellDependantCmdLine, command, original string) (words []string, escaped bool) {
	if line.PrependShell {
		return []string{s.shell() + " " + strings.TrimLeft(original[len(command):], " \t\v\n")}, true
	}
	return line.CmdLine, false
}

// runCommand follows builder/dockerfile/dispatchers.go, dispatchRun, and containerbackend.go, Run.
func (s *state) runCommand(c *instructions.RunCommand) error {
	if len(c.FlagsUsed) > 0 {
		return fmt.Errorf("the --%s option requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled", c.FlagsUsed[0])
	}
	words, _ := s.resolve(c.ShellDependantCmdLine, c.Name(), c.String())
	command := strings.Join(words, " ")
	id := s.engine.containerID()
	s.out.printf(" ---> Running in %s\n", short(id))
	if err := s.mayRun(id); err != nil {
		return err
	}
	if s.engine.Run != nil {
		output, code := s.engine.Run(command)
		s.out.printf("%s", output)
		if code != 0 {
			return &exitError{command, code}
		}
	}
	s.out.printf(" ---> Removed intermediate container %s\n", short(id))
	return s.commit(command, tree{})
}

// ltsc2022 is the first release of Windows that later ones run in process isolation.
const ltsc2022 = 20348

// mayRun follows Microsoft's "Windows container version compatibility": before 2022 a container is of the host's build, since then also
// of the long-term release before the host's. The words are those of Windows, for HCS_E_IMAGE_MISMATCH. In a virtual machine
// (hyperv) any older version runs.
func (s *state) mayRun(id string) error {
	config, err := s.image.ConfigFile()
	if err != nil || s.isolation == "hyperv" {
		return err
	}
	host, image := buildNumber(s.engine.OSVersion), buildNumber(config.OSVersion)
	oldest := host
	if host >= ltsc2022 {
		oldest = ltsc2022
	}
	if image < oldest || image > host {
		return errors.New("hcs::CreateComputeSystem " + id + ": The container operating system does not match the host operating system.")
	}
	return nil
}

// note commits what changes the config alone.
func (s *state) note(what string) error { return s.commit(s.shell()+" #(nop)  "+what, nil) }

// commit follows image/image.go, NewChildImage: os, os.version and os.features are the parent's.
func (s *state) commit(createdBy string, files tree) error {
	add := mutate.Addendum{History: v1.History{CreatedBy: createdBy, Created: v1.Time{Time: time.Now().UTC()}, EmptyLayer: files == nil}}
	if files != nil {
		layer, err := newLayer(files)
		if err != nil {
			return err
		}
		add.Layer = layer
	}
	image, err := mutate.Append(s.image, add)
	if err != nil {
		return err
	}
	if image, err = mutate.CreatedAt(image, add.History.Created); err != nil {
		return err
	}
	s.image, err = mutate.Config(image, *s.config.DeepCopy())
	return err
}
