//go:build unix

package power

import (
	"errors"
	"os/exec"
	"syscall"
)

// shell is how a line is run; the name is $1 in it.
func shell(line, name string) []string { return []string{"/bin/sh", "-c", line, "multiarch", name} }

// isolate gives the command a process group of its own.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// Detach makes a command that is to outlive this process a session of its own.
func Detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// killGroup ends all that is left of a process group.
func killGroup(pid int) error {
	if err := syscall.Kill(-pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
