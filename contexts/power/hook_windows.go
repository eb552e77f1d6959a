package power

import (
	"os"
	"os/exec"
	"syscall"
)

// detachedProcess is DETACHED_PROCESS, a process without a console.
const detachedProcess = 0x8

// shell is how a line is run. There it finds the node's name in MULTIARCH_NODE
// alone.
func shell(line, _ string) []string { return []string{"cmd", "/d", "/c", line} }

// isolate gives the command a process group of its own.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// Detach has a command outlive this process and its console.
func Detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP | detachedProcess}
}

// killGroup ends the process itself: Windows knows no groups to end. One that has
// ended already it leaves alone, and whoever has its number now.
func killGroup(p *os.Process) error { return p.Kill() }
