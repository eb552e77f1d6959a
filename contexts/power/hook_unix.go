//go:build unix

package power

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// shell is how a line is run; the name is $1 in it.
func shell(line, name string) []string { return []string{"/bin/sh", "-c", line, "multiarch", name} }

// isolate gives the command a session of its own, and so a process group. Without
// a terminal nothing in it can ask a question that nobody answers.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// Detach makes a command that is to outlive this process a session of its own.
func Detach(cmd *exec.Cmd) { isolate(cmd) }

// killGroup ends all that is left of the process group that p leads or led.
func killGroup(p *os.Process) error {
	if err := syscall.Kill(-p.Pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
