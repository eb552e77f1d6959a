//go:build !windows && !darwin

package source

import "syscall"

func changeTime(stat *syscall.Stat_t) syscall.Timespec { return stat.Ctim }
