package binary

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"time"
)

// Archives gives the tar archive of a path, as engines do: what is there, and
// with a directory all that is in it.
type Archives interface {
	// Archive follows symbolic links and returns the path that they lead to;
	// an fs.ErrNotExist if nothing is there.
	Archive(ctx context.Context, name string) (real string, tar io.ReadCloser, err error)
}

// Bounds limit a sample.
type Bounds struct {
	Bytes int64
	Time  time.Duration
	// Base says that directories full of the base image's programs count too:
	// the engine has to read all that is in them.
	Base bool
}

// Quick is a sample taken beside other work; Thorough one for who asked to be
// strict.
var (
	Quick    = Bounds{Bytes: 32 << 20, Time: 5 * time.Second}
	Thorough = Bounds{Bytes: 2 << 30, Time: time.Minute, Base: true}
)

// added are the directories in which images have programs beside those of their
// base, which are in the directories based.
var (
	added = []string{"/app", "/usr/local/bin", "/usr/local/sbin", "/opt", "/srv"}
	based = []string{"/usr/bin", "/usr/sbin", "/bin", "/sbin"}
)

type archives struct {
	Archives
	bounds Bounds
}

// FromArchives are the files of an image that an engine holds.
func FromArchives(a Archives, bounds Bounds) Files { return &archives{a, bounds} }

// Lookup implements Files.
func (a *archives) Lookup(ctx context.Context, name string) (Entry, error) {
	at, body, err := a.Archive(ctx, name)
	if err != nil {
		return Entry{}, err
	}
	defer body.Close()
	in := tar.NewReader(body)
	h, err := in.Next()
	if err != nil {
		return Entry{}, fmt.Errorf("reading %s: %w", name, err)
	}
	return newEntry(at, h, in)
}

// newEntry reads the program that a tar archive has come to.
func newEntry(name string, h *tar.Header, in io.Reader) (e Entry, err error) {
	e = Entry{Path: name, Mode: h.FileInfo().Mode()}
	if e.Mode.IsRegular() && h.Typeflag == tar.TypeReg && e.Mode&0o111 != 0 {
		e.File, err = Read(in)
	}
	return e, err
}

// Sample implements Files. It ends with its time, whatever it has come to.
func (a *archives) Sample(ctx context.Context, first []string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		within, cancel := context.WithTimeout(ctx, a.bounds.Time)
		defer cancel()
		left := a.bounds.Bytes
		done := map[string]bool{"/": true} // of all, what lies below may be gigabytes of data
		for _, dir := range slices.Concat(first, added, based) {
			if done[dir] || left <= 0 || !a.bounds.Base && slices.Contains(based, dir) {
				continue
			}
			done[dir] = true
			on, err := a.directory(within, dir, done, &left, yield)
			if within.Err() != nil && ctx.Err() == nil {
				return
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				yield(Entry{}, err)
				return
			}
			if !on {
				return
			}
		}
	}
}

// directory yields the programs of a directory, and says whether to go on.
func (a *archives) directory(ctx context.Context, dir string, done map[string]bool, left *int64, yield func(Entry, error) bool) (bool, error) {
	at, body, err := a.Archive(ctx, dir)
	if err != nil {
		return true, err
	}
	defer body.Close()
	if at != dir && done[at] {
		return true, nil
	}
	done[at] = true
	bounded := &io.LimitedReader{R: body, N: *left}
	defer func() { *left = bounded.N }()
	in := tar.NewReader(bounded)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) || err != nil && bounded.N <= 0 {
			return true, nil
		}
		if err != nil {
			return true, fmt.Errorf("reading %s: %w", dir, err)
		}
		e, err := newEntry(path.Join(path.Dir(at), path.Clean("/"+h.Name)), h, in)
		if err != nil && bounded.N > 0 {
			return true, err
		}
		if e.File.Format != FormatOther && !yield(e, nil) {
			return false, nil
		}
	}
}
