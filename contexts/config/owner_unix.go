//go:build unix

package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// owned returns an error unless the file at path, and every folder on the way to
// it, belongs to this process's user and can be changed by nobody else. Folders
// may be root's, and those in which each may change what is their own only (such
// as /tmp) may be everybody's. A file that does not exist is fine.
func owned(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	info, err := os.Lstat(path)
	switch {
	case os.IsNotExist(err):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is a link", path)
	}
	if err := ownedEntry(path, info, os.Getuid()); err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := ownedFolders(dir); err != nil {
		return err
	}
	// Where links lead matters as much as where they are.
	real, err := filepath.EvalSymlinks(dir)
	if err != nil || real == dir {
		return err
	}
	return ownedFolders(real)
}

func ownedFolders(dir string) error {
	for {
		info, err := os.Lstat(dir)
		if err != nil {
			return err
		}
		if err := ownedEntry(dir, info, os.Getuid(), 0); err != nil {
			return err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
	}
}

// ownedEntry checks one file, folder or link. The mode of a link means nothing.
func ownedEntry(path string, info fs.FileInfo, users ...int) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: no owner", path)
	}
	owner := false
	for _, uid := range users {
		owner = owner || int(stat.Uid) == uid
	}
	const byOthers = 0o022
	own := info.IsDir() && info.Mode()&fs.ModeSticky != 0
	switch {
	case !owner:
		return fmt.Errorf("%s belongs to another user (uid %d)", path, stat.Uid)
	case info.Mode()&fs.ModeSymlink == 0 && info.Mode().Perm()&byOthers != 0 && !own:
		return fmt.Errorf("%s can be written by others (mode %04o)", path, info.Mode().Perm())
	}
	return nil
}
