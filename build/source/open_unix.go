//go:build !windows

package source

import "syscall"

// openFlags keep a pipe that was put in a file's place from blocking the open.
const openFlags = syscall.O_RDONLY | syscall.O_NONBLOCK
