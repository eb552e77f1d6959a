package binary

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// Bounds of what is read of an image's layers.
const (
	maxUnpacked = 8 << 30 // bytes, of all layers
	maxFiles    = 500_000
	maxNames    = 128 << 20 // bytes, of what is remembered of all layers
	maxName     = 4 << 10   // bytes; PATH_MAX
	maxLinks    = 40
)

// ErrTooLarge is returned for an image that has more than is looked at.
var ErrTooLarge = errors.New("image is too large to be verified")

// Layer opens a layer: a tar archive, plain or compressed with gzip or zstd.
type Layer func(ctx context.Context) (io.ReadCloser, error)

// layers are an image as a registry has it. A layer is read when something was
// not found in those above it.
type layers struct {
	layers []Layer // the uppermost first
	read   []*layer
	left   int64 // bytes that may still be unpacked
	files  int   // so far, with directories that only their files name
	names  int   // bytes of their names so far
	all    bool
}

// FromLayers are the files of an image in a registry, its layers given from the
// base up. All has the sample cover every layer, not only those that had to be
// read anyway.
func FromLayers(from []Layer, all bool) Files {
	upper := slices.Clone(from)
	slices.Reverse(upper)
	return &layers{layers: upper, left: maxUnpacked, all: all}
}

// Lookup implements Files.
func (l *layers) Lookup(ctx context.Context, name string) (Entry, error) {
	return l.walk(ctx, name, 0)
}

// walk goes from directory to directory, so that links on the way are followed.
func (l *layers) walk(ctx context.Context, name string, links int) (Entry, error) {
	at, entry := "/", Entry{Path: "/", Mode: fs.ModeDir}
	parts := strings.FieldsFunc(path.Clean("/"+name), func(r rune) bool { return r == '/' })
	for i, part := range parts {
		found, err := l.find(ctx, path.Join(at, part))
		if err != nil {
			return Entry{}, err
		}
		if found.hardlink || found.entry.Mode&fs.ModeSymlink != 0 {
			if links == maxLinks {
				return Entry{}, fmt.Errorf("%s: too many links: %w", name, fs.ErrNotExist)
			}
			target := found.link
			if !path.IsAbs(target) {
				target = path.Join(at, target)
			}
			return l.walk(ctx, path.Join(target, path.Join(parts[i+1:]...)), links+1)
		}
		at, entry = path.Join(at, part), found.entry
	}
	return entry, nil
}

// find returns what the uppermost layer has that knows of name.
func (l *layers) find(ctx context.Context, name string) (file, error) {
	for i := range l.layers {
		in, err := l.layer(ctx, i)
		if err != nil {
			return file{}, err
		}
		if f, ok := in.files[name]; ok {
			return f, nil
		}
		if in.hides(name) {
			break
		}
	}
	return file{}, &fs.PathError{Op: "lookup", Path: name, Err: fs.ErrNotExist}
}

// layer reads the nth layer from above, once.
func (l *layers) layer(ctx context.Context, n int) (*layer, error) {
	for len(l.read) <= n {
		next, err := l.readLayer(ctx, l.layers[len(l.read)])
		if err != nil {
			return nil, err
		}
		l.read = append(l.read, next)
	}
	return l.read[n], nil
}

// Sample implements Files.
func (l *layers) Sample(ctx context.Context, _ []string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if l.all && len(l.layers) > 0 {
			if _, err := l.layer(ctx, len(l.layers)-1); err != nil {
				yield(Entry{}, err)
				return
			}
		}
		for i, in := range l.read {
			for _, name := range slices.Sorted(maps.Keys(in.files)) {
				if f := in.files[name]; f.entry.File.Format != FormatOther && !l.hidden(i, name) && !yield(f.entry, nil) {
					return
				}
			}
		}
	}
}

// hidden says whether a layer above the nth has something else there.
func (l *layers) hidden(n int, name string) bool {
	return slices.ContainsFunc(l.read[:n], func(above *layer) bool {
		_, replaced := above.files[name]
		return replaced || above.hides(name)
	})
}
