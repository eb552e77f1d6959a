package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/moby/patternmatcher/ignorefile"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
)

// MaxText bounds a Dockerfile or an ignore file, in bytes.
const MaxText = 8 << 20

// Dockerfile is a Dockerfile and the ignore rules that go with it.
type Dockerfile struct {
	// Name is the base name, under which BuildKit is told to look for it.
	Name string
	// Path is where it is in the build context; empty when it is not there.
	Path string
	// Content is the text.
	Content []byte
	// Exclude are the patterns of the ignore file: the Dockerfile's own
	// (Dockerfile.dockerignore) if there is one, else the build context's.
	Exclude []string

	files textFS
}

// ReadDockerfile reads the Dockerfile at path and the ignore file that applies
// to the build context dir. An ignore file that exists and can't be read, or
// that is a link out of the build context, is an error: taking it for no ignore
// file would send what the user meant to keep.
func ReadDockerfile(path, dir string) (*Dockerfile, error) {
	content, err := readText(os.Open, path)
	if err != nil {
		return nil, fmt.Errorf("reading Dockerfile: %w", err)
	}
	d := newDockerfile(filepath.Base(path), content)
	d.Path = inside(dir, path)
	return d, d.readIgnore(path+".dockerignore", dir)
}

// inside returns the path below dir that path leads to, "" when it leads out.
func inside(dir, path string) string {
	dir, errDir := filepath.Abs(dir)
	path, errPath := filepath.Abs(path)
	if errDir != nil || errPath != nil {
		return ""
	}
	below, err := filepath.Rel(dir, path)
	if err != nil || !filepath.IsLocal(below) {
		return ""
	}
	return below
}

// NewDockerfile makes a Dockerfile of a text that is in no file. The ignore file
// is that of the build context.
func NewDockerfile(content []byte, dir string) (*Dockerfile, error) {
	d := newDockerfile("Dockerfile", content)
	return d, d.readIgnore("", dir)
}

func newDockerfile(name string, content []byte) *Dockerfile {
	return &Dockerfile{Name: name, Content: content, files: textFS{name: content}}
}

// readIgnore reads the Dockerfile's own ignore file, if there may be one, else
// that of the build context.
func (d *Dockerfile) readIgnore(own, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("opening build context: %w", err)
	}
	defer root.Close()
	text, err := readText(os.Open, own)
	if err == nil {
		d.files[filepath.Base(own)] = text
	} else if errors.Is(err, fs.ErrNotExist) && !isLink(own) {
		text, err = readText(root.Open, ".dockerignore")
		if errors.Is(err, fs.ErrNotExist) && !isLink(filepath.Join(dir, ".dockerignore")) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("reading ignore file: %w", err)
	}
	if d.Exclude, err = ignorefile.ReadAll(bytes.NewReader(text)); err != nil {
		return fmt.Errorf("reading ignore file: %w", err)
	}
	return nil
}

// FS returns the file system that holds the Dockerfile and its own ignore file
// alone, for BuildKit's "dockerfile" mount.
func (d *Dockerfile) FS() fsutil.FS { return d.files }

// isLink tells a dangling link, which is an error, from no file at all.
func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

func readText(open func(string) (*os.File, error), path string) ([]byte, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, MaxText+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxText {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, MaxText)
	}
	return text, nil
}

// textFS is a file system of a few small files held in memory.
type textFS map[string][]byte

// Walk implements fsutil.FS.
func (t textFS) Walk(_ context.Context, target string, fn fs.WalkDirFunc) error {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if target := clean(target); target != "" && target != name {
			continue
		}
		// A fixed time: BuildKit tells changed files by it and by their
		// size, so the time has to follow the content.
		stat := &types.Stat{Path: name, Mode: 0o644, Size: int64(len(t[name])), ModTime: contentTime(t[name]).UnixNano()}
		if err := fn(name, &fsutil.DirEntryInfo{Stat: stat}, nil); err != nil {
			return skipped(err)
		}
	}
	return nil
}

// Open implements fsutil.FS.
func (t textFS) Open(path string) (io.ReadCloser, error) {
	text, ok := t[clean(path)]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return io.NopCloser(bytes.NewReader(text)), nil
}

// contentTime returns a time that two different contents hardly share.
func contentTime(text []byte) time.Time {
	h := fnv.New64a()
	h.Write(text)
	sum := h.Sum64()
	return time.Unix(int64(sum>>34), int64(sum&(1<<29-1)))
}
