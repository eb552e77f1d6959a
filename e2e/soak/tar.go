//go:build linux

package soak

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// Entry is all that a tar has of a file.
type Entry struct {
	Type     byte
	Mode     int64
	UID, GID int
	Size     int64
	Link     string
	Sum      string // SHA-256 of the content, in hexadecimal.
	Time     int64  // In nanoseconds, of all but directories: engines make those anew.
	Xattrs   string
}

// Entries reads a tar, by path.
func Entries(file string) (map[string]Entry, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all := map[string]Entry{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, r); err != nil {
			return nil, err
		}
		if _, twice := all[h.Name]; twice {
			return nil, fmt.Errorf("%s: %q is there twice", file, h.Name)
		}
		e := Entry{
			Type: h.Typeflag, Mode: h.Mode, UID: h.Uid, GID: h.Gid, Size: h.Size, Link: h.Linkname,
			Sum: hex.EncodeToString(sum.Sum(nil)), Xattrs: fmt.Sprint(h.Xattrs), //nolint:staticcheck // exactly these, of all records
		}
		if h.Typeflag != tar.TypeDir {
			e.Time = h.ModTime.UnixNano()
		}
		all[h.Name] = e
	}
}

// Diff tells where two trees differ, path by path.
func Diff(ours, theirs map[string]Entry) (lines []string) {
	for _, path := range slices.Sorted(maps.Keys(ours)) {
		switch other, ok := theirs[path]; {
		case !ok:
			lines = append(lines, fmt.Sprintf("only ours has %q", path))
		case other != ours[path]:
			lines = append(lines, fmt.Sprintf("%q: ours %+v, theirs %+v", path, ours[path], other))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(theirs)) {
		if _, ok := ours[path]; !ok {
			lines = append(lines, fmt.Sprintf("only theirs has %q", path))
		}
	}
	return lines
}

// Sums are the files of a tar, with the SHA-256 of each.
func Sums(entries map[string]Entry) map[string]string {
	all := map[string]string{}
	for path, e := range entries {
		if e.Type == tar.TypeReg {
			all[path] = e.Sum
		}
	}
	return all
}
