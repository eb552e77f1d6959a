package source

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"unicode/utf8"

	"github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// ErrChanged is returned when a file of the build context is no longer what it
// was when the directory was walked.
var ErrChanged = errors.New("changed during the build")

// ErrName is returned for a file whose name, or link target, is not UTF-8 and so
// can't be sent.
var ErrName = errors.New("name is not UTF-8")

// Snapshot is the build context as one walk found it. It is safe for use by
// several nodes at once.
type Snapshot struct {
	// Special are the sockets, pipes and devices that were left out: they
	// have no content to send.
	Special []string

	root    *os.Root
	exclude []string
	entries []entry
	index   map[string]int
	sent    *ledger
}

// entry is one file, directory or link. Paths have the system's separator and
// entries are in the order of a walk: a directory, then what is in it.
type entry struct {
	stat    *types.Stat
	version version
	// unreadable is why a directory could not be listed. It matters only
	// when something below that directory is asked for.
	unreadable error
}

// Read walks the directory once. Paths that exclude (the patterns of an ignore
// file) rules out for certain are not descended into, so an unreadable
// directory there does no harm.
func Read(ctx context.Context, dir string, exclude []string) (*Snapshot, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening build context: %w", err)
	}
	s := &Snapshot{root: root, exclude: exclude, index: map[string]int{}, sent: newLedger()}
	if err := s.walk(ctx, dir, exclude); err != nil {
		return nil, errors.Join(fmt.Errorf("reading build context: %w", err), root.Close())
	}
	return s, nil
}

func (s *Snapshot) walk(ctx context.Context, dir string, exclude []string) error {
	disk, err := fsutil.NewFS(dir)
	if err != nil {
		return err
	}
	walk := &strictWalk{FS: disk, unreadable: map[string]error{}, special: map[string]bool{}}
	filtered, err := fsutil.NewFilterFS(walk, &fsutil.FilterOpt{ExcludePatterns: exclude})
	if err != nil {
		return fmt.Errorf("ignore file: %w", err)
	}
	err = filtered.Walk(ctx, "", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case walk.special[path]:
			s.Special = append(s.Special, path)
			return nil
		}
		return s.add(d)
	})
	if err != nil {
		return err
	}
	for path, reason := range walk.unreadable {
		i, ok := s.index[path]
		if !ok {
			// It is ignored, but it was opened for what an exception
			// may keep below it.
			return fmt.Errorf("reading directory %q: %w", path, reason)
		}
		s.entries[i].unreadable = reason
	}
	return nil
}

func (s *Snapshot) add(d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*types.Stat)
	if !ok {
		return fmt.Errorf("reading %q: no file information", d.Name())
	}
	if !utf8.ValidString(stat.Path) || !utf8.ValidString(stat.Linkname) {
		// gRPC can't carry it, and says neither which nor where.
		return fmt.Errorf("%w: %q", ErrName, stat.Path)
	}
	// As docker build does: who owns a file on the client means nothing in the image.
	stat.Uid, stat.Gid = 0, 0
	version, err := s.confirm(stat)
	if err != nil {
		return err
	}
	s.index[stat.Path] = len(s.entries)
	s.entries = append(s.entries, entry{stat: stat, version: version})
	return nil
}

// confirm looks at an entry once more, from the root down. The walk goes by path,
// and follows a link that is put in a directory's place while it is there.
func (s *Snapshot) confirm(stat *types.Stat) (version, error) {
	if _, twice := s.index[stat.Path]; twice {
		return version{}, changed(stat.Path, "its directory changed while it was read")
	}
	if parent := filepath.Dir(stat.Path); parent != "." {
		if i, ok := s.index[parent]; ok && !fs.FileMode(s.entries[i].stat.Mode).IsDir() {
			return version{}, changed(parent, "it was replaced while it was read")
		}
	}
	info, err := s.root.Lstat(stat.Path)
	if err != nil {
		return version{}, changed(stat.Path, err.Error())
	}
	was := fs.FileMode(stat.Mode)
	same := info.Mode().Type() == was.Type() && (!was.IsRegular() || info.Size() == stat.Size && info.ModTime().UnixNano() == stat.ModTime)
	if !same {
		return version{}, changed(stat.Path, "while the directory was read")
	}
	return versionOf(info), nil
}

// Fingerprint identifies the snapshot: a digest over path, type and mode, size
// and link target of every entry, in order. It says nothing of the content,
// which is hashed as it is sent.
func (s *Snapshot) Fingerprint() digest.Digest {
	h := sha256.New()
	for _, e := range s.entries {
		fmt.Fprintf(h, "%q %o %d %q\n", filepath.ToSlash(e.stat.Path), e.stat.Mode, e.stat.Size, filepath.ToSlash(e.stat.Linkname))
	}
	return digest.NewDigest(digest.SHA256, h)
}

// Size returns how many entries the snapshot has, and the bytes of its files.
func (s *Snapshot) Size() (entries int, bytes int64) {
	for _, size := range s.Files() {
		bytes += size
	}
	return len(s.entries), bytes
}

// Files returns the path and the size in bytes of every regular file, in order.
func (s *Snapshot) Files() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		for _, e := range s.entries {
			if fs.FileMode(e.stat.Mode).IsRegular() && !yield(e.stat.Path, e.stat.Size) {
				return
			}
		}
	}
}

// Verify checks that every file and link that nodes use, sent in this run or
// before, is still on disk as the snapshot has it. It returns an ErrChanged that
// names the first that is not.
func (s *Snapshot) Verify() error {
	for _, path := range s.sent.used() {
		if err := s.verify(path); err != nil {
			return err
		}
	}
	return nil
}

func (s *Snapshot) verify(path string) error {
	was := s.entries[s.index[path]].stat
	if fs.FileMode(was.Mode).IsDir() {
		return nil
	}
	info, err := s.root.Lstat(path)
	if err != nil {
		return changed(path, err.Error())
	}
	if fs.FileMode(was.Mode)&fs.ModeSymlink != 0 {
		if target, err := s.root.Readlink(path); err != nil || target != was.Linkname {
			return changed(path, "the link was changed")
		}
		return nil
	}
	return s.same(path, info)
}

// Close releases the directory.
func (s *Snapshot) Close() error { return s.root.Close() }

// same compares what is on disk now with what the walk found.
func (s *Snapshot) same(path string, now fs.FileInfo) error {
	e := s.entries[s.index[path]]
	was := e.stat
	switch {
	case !now.Mode().IsRegular():
		return changed(path, "no longer a regular file")
	case now.Size() != was.Size:
		return changed(path, fmt.Sprintf("%d bytes, was %d", now.Size(), was.Size))
	case now.ModTime().UnixNano() != was.ModTime:
		return changed(path, "modified")
	case versionOf(now) != e.version:
		return changed(path, "modified, though its time was put back")
	}
	return nil
}

func changed(path, how string) error {
	return fmt.Errorf("%q %w: %s", path, ErrChanged, how)
}
