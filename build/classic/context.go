package classic

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"

	"github.com/docker-multiarch/docker-multiarch/build/source"
)

const ignoreFile = ".dockerignore"

// Context is a build context as the classic builder wants it: with the
// Dockerfile in it.
type Context struct {
	// Dockerfile is the path of the Dockerfile in the archive, with slashes.
	Dockerfile string
	// Compress has the archive compressed with gzip.
	Compress bool

	files fsutil.FS
	// extra are files held in memory, instead of or beside those of files.
	extra map[string][]byte
}

// NewContext returns what view has without what the Dockerfile's ignore file
// rules out, and with the Dockerfile.
//
// A Dockerfile that is not among these files has to be in the archive, but not
// in the image of a "COPY . /". The engine takes out of the context what its
// .dockerignore names of the two files themselves (removeDockerfile in moby's
// builder/remotecontext/detect.go). So a .dockerignore that is sent does that
// by itself; else one is added that names both, as docker build does.
func NewContext(ctx context.Context, view *source.View, dockerfile *source.Dockerfile) (Context, error) {
	files, err := view.Without(dockerfile.Exclude)
	if err != nil {
		return Context{}, fmt.Errorf("ignore file: %w", err)
	}
	c := Context{Dockerfile: filepath.ToSlash(dockerfile.Path)}
	// Of all that is in the archive the snapshot is told that the node has it.
	if c.files, err = fsutil.NewFilterFS(files, &fsutil.FilterOpt{Map: view.Used}); err != nil {
		return Context{}, err
	}
	switch {
	case dockerfile.Path != "" && has(ctx, files, dockerfile.Path):
	case dockerfile.Path != "" && has(ctx, files, ignoreFile):
		c.extra = map[string][]byte{c.Dockerfile: dockerfile.Content}
	default:
		c.Dockerfile = ".dockerfile." + digest.FromBytes(dockerfile.Content).Encoded()[:20]
		c.extra = map[string][]byte{
			c.Dockerfile: dockerfile.Content,
			ignoreFile:   []byte(ignoreFile + "\n" + c.Dockerfile + "\n"),
		}
	}
	return c, nil
}

// has tells whether files has a regular file at path.
func has(ctx context.Context, files fsutil.FS, path string) bool {
	found := false
	// Without an entry there is nothing found, whatever the reason.
	_ = files.Walk(ctx, path, func(at string, d fs.DirEntry, err error) error {
		found = found || err == nil && at == path && d.Type().IsRegular()
		return nil
	})
	return found
}

// WriteTo writes the archive. An error leaves it without an end.
func (c Context) WriteTo(ctx context.Context, w io.Writer) error {
	files := fsutil.WithHardlinkReset(c)
	if !c.Compress {
		return fsutil.WriteTar(ctx, files, w)
	}
	zip := gzip.NewWriter(w)
	if err := fsutil.WriteTar(ctx, files, zip); err != nil {
		return err // without the end of the stream
	}
	return zip.Close()
}

// Walk implements fsutil.FS: the entries of the build context, and then what is
// added to them.
func (c Context) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	err := c.files.Walk(ctx, target, func(path string, d fs.DirEntry, err error) error {
		if _, instead := c.extra[filepath.ToSlash(path)]; instead {
			return nil
		}
		return fn(path, d, err)
	})
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(c.extra)) {
		stat := &types.Stat{Path: filepath.FromSlash(path), Mode: 0o644, Size: int64(len(c.extra[path]))}
		if err := fn(stat.Path, &fsutil.DirEntryInfo{Stat: stat}, nil); err != nil {
			return err
		}
	}
	return nil
}

// Open implements fsutil.FS.
func (c Context) Open(path string) (io.ReadCloser, error) {
	if content, ok := c.extra[filepath.ToSlash(path)]; ok {
		return io.NopCloser(bytes.NewReader(content)), nil
	}
	return c.files.Open(path)
}
