package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// View is the snapshot as one node reads it. It implements fsutil.FS, the file
// system that BuildKit's session serves, and keeps what it handed out and the
// first thing that went wrong, which the session would hide.
type View struct {
	snapshot *Snapshot
	failed   func(error)

	mu   sync.Mutex
	sent map[string]int64
	err  error
}

var _ fsutil.FS = (*View)(nil)

// View returns a new view of the whole snapshot, for one node. The first failure
// is passed to failed, which has to end the build: BuildKit's sender would wait
// for ever for an engine that waits for the rest of the file.
func (s *Snapshot) View(failed func(error)) *View {
	return &View{snapshot: s, failed: failed, sent: map[string]int64{}}
}

// Without returns the view without what the patterns of an ignore file rule out.
// Where they are those that the snapshot was made with, that is the view itself.
func (v *View) Without(exclude []string) (fsutil.FS, error) {
	if slices.Equal(exclude, v.snapshot.exclude) {
		return v, nil
	}
	return fsutil.NewFilterFS(v, &fsutil.FilterOpt{ExcludePatterns: exclude})
}

// Err returns the first failure of the view: the error that names the path,
// where the engine only says that the transfer failed.
func (v *View) Err() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

// Sent returns the paths whose whole content went to this node, in order, and
// their bytes. What the node needed and is not there, it had already.
func (v *View) Sent() (paths []string, bytes int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	paths = make([]string, 0, len(v.sent))
	for path, size := range v.sent {
		paths = append(paths, path)
		bytes += size
	}
	slices.Sort(paths)
	return paths, bytes
}

// Used is a fsutil.MapFunc that keeps everything, for the last filter between the
// view and a node: what passes there is what the node is told of, sent or not.
func (v *View) Used(path string, _ *types.Stat) fsutil.MapResult {
	v.snapshot.sent.announce(clean(path))
	return fsutil.MapResultKeep
}

// Walk implements fsutil.FS with the semantics of filepath.WalkDir, from
// memory.
func (v *View) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	entries, err := v.below(target)
	if err != nil {
		return skipped(fn(clean(target), nil, err))
	}
	skip := ""
	for _, e := range entries {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		path := e.stat.Path
		if skip != "" && strings.HasPrefix(path, skip) {
			continue
		}
		skip = ""
		switch err := fn(path, &fsutil.DirEntryInfo{Stat: e.stat}, nil); {
		case errors.Is(err, filepath.SkipAll):
			return nil
		case errors.Is(err, filepath.SkipDir):
			if skip = skipPrefix(e); skip == "" {
				return nil
			}
		case err != nil:
			return err
		case e.unreadable != nil && skipped(fn(path, &fsutil.DirEntryInfo{Stat: e.stat}, e.unreadable)) != nil:
			// Asked once more, as a walk of the disk does: what is in it
			// may not be wanted.
			return v.fail(fmt.Errorf("reading directory %q: %w", path, e.unreadable))
		}
	}
	return nil
}

// below returns the entries at and below target, in order.
func (v *View) below(target string) ([]entry, error) {
	all := v.snapshot.entries
	target = clean(target)
	if target == "" {
		return all, nil
	}
	first, ok := v.snapshot.index[target]
	if !ok {
		return nil, &fs.PathError{Op: "lstat", Path: target, Err: fs.ErrNotExist}
	}
	last := first + 1
	for last < len(all) && strings.HasPrefix(all[last].stat.Path, target+string(filepath.Separator)) {
		last++
	}
	return all[first:last], nil
}

// Open implements fsutil.FS. It never returns an error, because BuildKit's
// sender takes one for an empty file: a file that can't be opened is a reader
// that fails.
func (v *View) Open(path string) (io.ReadCloser, error) {
	path = clean(path)
	f, err := v.snapshot.open(path)
	if err != nil {
		return failing{v.fail(err)}, nil
	}
	f.view = v
	return f, nil
}

func (v *View) fail(err error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err == nil {
		v.err = err
		v.failed(err)
	}
	return err
}

func (v *View) delivered(path string, size int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sent[path] = size
}

// clean turns a path as fsutil asks for it ("/", ".", "/a/b") into one of the
// snapshot; the root is "".
func clean(path string) string {
	path = strings.TrimLeft(filepath.Clean(filepath.FromSlash(path)), string(filepath.Separator))
	if path == "." {
		return ""
	}
	return path
}

// skipPrefix is what filepath.SkipDir rules out after e: what is in a
// directory, or the rest of a file's directory; "" is everything.
func skipPrefix(e entry) string {
	dir := e.stat.Path
	if !fs.FileMode(e.stat.Mode).IsDir() {
		if dir = filepath.Dir(dir); dir == "." {
			return ""
		}
	}
	return dir + string(filepath.Separator)
}

// skipped is what a walk makes of the answer to a root that does not exist.
func skipped(err error) error {
	if errors.Is(err, filepath.SkipDir) || errors.Is(err, filepath.SkipAll) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// failing is a file that can't be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
func (failing) Close() error               { return nil }
