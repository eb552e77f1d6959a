package power

import (
	"bytes"
	"os"
	"strconv"
)

// processStart is when a process was started, in ticks since the boot that it
// names too; "" when there is none, or only what its parent has not asked for
// yet. Together with its number no other process has it.
func processStart(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	// The name, in brackets, may have spaces. proc_pid_stat(5): starttime is
	// field 22, the first after the name is field 3.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 || fields[0][0] == 'Z' {
		return ""
	}
	return string(bytes.TrimSpace(boot)) + " " + string(fields[19])
}
