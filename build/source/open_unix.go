//go:build !windows

package source

import (
	"io/fs"
	"syscall"
)

// openFlags keep a pipe that was put in a file's place from blocking the open.
const openFlags = syscall.O_RDONLY | syscall.O_NONBLOCK

// version tells one content of a file from another, even where somebody put its
// size and modification time back: the change time can't be set.
type version struct {
	inode   uint64
	changed syscall.Timespec
}

func versionOf(info fs.FileInfo) version {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return version{}
	}
	return version{inode: stat.Ino, changed: changeTime(stat)}
}
