package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/tonistiigi/fsutil"
)

// strictWalk is a file system whose walk hides nothing. fsutil takes "does not
// exist" for "skip this directory", which, for a file that vanishes during the
// walk, silently skips all its remaining siblings; so no such error may pass.
type strictWalk struct {
	fsutil.FS
	unreadable map[string]error
	special    map[string]bool
}

// Walk implements fsutil.FS.
func (w *strictWalk) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	return w.FS.Walk(ctx, target, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrPermission) && d != nil && d.IsDir():
			w.unreadable[path] = err
			return filepath.SkipDir
		case err != nil:
			return vanished(path, err)
		}
		if d.Type()&(fs.ModeSocket|fs.ModeNamedPipe|fs.ModeDevice|fs.ModeIrregular) != 0 {
			// Noted here, where the type is still the true one.
			w.special[path] = true
		}
		// Asking now, not when a later layer needs it, keeps a "does not
		// exist" in our hands.
		if _, err := d.Info(); err != nil {
			return vanished(path, err)
		}
		return fn(path, d, nil)
	})
}

// vanished describes a failure during the walk in words only: wrapping the
// cause would let fsutil recognise it.
func vanished(path string, cause error) error {
	if errors.Is(cause, fs.ErrNotExist) {
		return fmt.Errorf("%q %w: it vanished while the directory was read", path, ErrChanged)
	}
	return fmt.Errorf("reading %q: %v", path, cause) //nolint:errorlint // see above
}
