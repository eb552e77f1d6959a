package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// What only one system has.
var (
	unixOnly = []string{
		"sh", "bash", "ash", "apt-get", "apt", "apk", "dnf", "yum", "microdnf", "zypper", "chmod", "chown", "rm", "cp", "mv", "ln", "mkdir -p",
		"useradd", "adduser", "groupadd", "addgroup", "export", "set -e", "set -eux", "sed", "touch", "cat", "ls", "install",
	}
	windowsOnly = []string{
		"powershell", "powershell.exe", "cmd", "cmd.exe", "choco", "msiexec", "msiexec.exe", "Invoke-WebRequest", "New-Item", "Expand-Archive",
		"Remove-Item", "Start-Process", "Set-ItemProperty", "reg", "setx",
	}
)

// checkSystems finds shell that only Linux or only Windows has, where one
// Dockerfile is for both.
func (v *view) checkSystems(all []Input) {
	both := slices.ContainsFunc(all, func(in Input) bool { return in.Name == v.Name && in.Platform.OS != v.Platform.OS })
	if !both {
		return
	}
	for _, s := range v.stages {
		for _, step := range s.steps {
			c, ok := commandLine(step.Command)
			if !ok {
				continue
			}
			wrong, others := windowsOnly, "Windows"
			if s.platform.OS == "windows" {
				wrong, others = unixOnly, "Linux"
			}
			if name := usedOf(wrong, c); name != "" {
				v.report(Finding{
					Rule: ruleShell, Level: Error,
					Why:     fmt.Sprintf("%s is of %s alone", name, others),
					Instead: "a small program compiled in a stage of its own, started as RUN [\"program\"]; or a Dockerfile for each system: --file windows/amd64:FILE",
				}, line(step.Location()))
			}
		}
	}
}

func commandLine(command instructions.Command) (instructions.ShellDependantCmdLine, bool) {
	switch c := command.(type) {
	case *instructions.RunCommand:
		return c.ShellDependantCmdLine, true
	case *instructions.CmdCommand:
		return c.ShellDependantCmdLine, true
	case *instructions.EntrypointCommand:
		return c.ShellDependantCmdLine, true
	}
	return instructions.ShellDependantCmdLine{}, false
}

// usedOf returns the first of the names that a command line runs.
func usedOf(wrong []string, c instructions.ShellDependantCmdLine) string {
	if !c.PrependShell && len(c.CmdLine) > 0 {
		if name := (command{words: c.CmdLine}).name(); slices.Contains(wrong, name) {
			return name
		}
	}
	for _, text := range scripts(c) {
		for _, command := range readScript(text, env{}).commands {
			for _, name := range wrong {
				program, argument, two := strings.Cut(name, " ")
				if command.name() == program && (!two || len(command.words) > 1 && command.words[1] == argument) {
					return name
				}
			}
		}
	}
	return ""
}
