package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/distribution/reference"

	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/manifest/archive"
	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// layouts are the OCI layouts that a command uses, in directories and archives.
// To the registry client each is a host of its own.
type layouts struct {
	registry *manifest.Registry
	// dry says that nothing may be made or changed.
	dry bool

	// open are the layouts by the names that the user gave; shown has those
	// for the registry client and the user's in turn, for a replacer.
	open  map[string]attached
	shown []string
	// written are the archives that get what is in a layout in the end.
	written map[string]*layout.Dir
	// seen are the files of these as they were when they were read; nil for one that
	// did not exist.
	seen map[string]os.FileInfo
}

// attached is a layout and its name for the registry client.
type attached struct {
	*layout.Dir

	repository reference.Named
}

// source returns the name by which the registry client knows the image that text
// names; that of an image in a registry is text.
func (l *layouts) source(ctx context.Context, text string) (string, error) {
	return l.attach(ctx, text, false)
}

// target does the same for an image that is to be written. What does not exist is
// made.
func (l *layouts) target(ctx context.Context, text string) (string, error) {
	return l.attach(ctx, text, true)
}

// targets is target for several.
func (l *layouts) targets(ctx context.Context, all []string) ([]string, error) {
	return each(all, func(text string) (string, error) { return l.target(ctx, text) })
}

// sources is source for several.
func (l *layouts) sources(ctx context.Context, all []string) ([]string, error) {
	return each(all, func(text string) (string, error) { return l.source(ctx, text) })
}

func each(all []string, f func(string) (string, error)) ([]string, error) {
	done := make([]string, len(all))
	for i, text := range all {
		var err error
		if done[i], err = f(text); err != nil {
			return nil, err
		}
	}
	return done, nil
}

func (l *layouts) attach(ctx context.Context, text string, create bool) (string, error) {
	form, path, rest := splitLayout(text, runtime.GOOS == "windows")
	switch {
	case form == "":
		return text, nil
	case path == "":
		return "", argument.Wrong(fmt.Errorf("invalid name %q: want %sPATH[:TAG][@DIGEST]", text, form))
	}
	path = filepath.Clean(path) // one layout is opened once
	a, known := l.open[form+path]
	if !known {
		host := fmt.Sprintf("layout-%d.invalid", len(l.open))
		var err error
		if a.repository, err = reference.WithName(host + "/layout"); err != nil {
			return "", err
		}
		if a.Dir, err = l.opened(ctx, form, path, create); err != nil {
			return "", err
		}
		l.open[form+path], l.shown = a, append(l.shown, a.repository.Name(), form+path)
		l.registry.Attach(host, a.Dir)
	}
	if create && form == argument.ArchivePrefix && !l.dry {
		l.written[path] = a.Dir
	}
	if !create {
		var err error
		if rest, err = meant(a, rest); err != nil {
			return "", fmt.Errorf("%s%s: %w", form, path, err)
		}
	}
	return a.repository.Name() + rest, nil
}

// opened opens a layout. An archive is read into a temporary directory.
func (l *layouts) opened(ctx context.Context, form, path string, create bool) (*layout.Dir, error) {
	info, err := os.Stat(path)
	missing := errors.Is(err, fs.ErrNotExist)
	if form == argument.ArchivePrefix && err == nil {
		l.seen[path] = info
	}
	switch {
	case missing && !create:
		return nil, argument.Wrong(fmt.Errorf("opening %s%s: %w", form, path, err))
	case form == argument.LayoutPrefix && (!missing || !l.dry):
		open := layout.Open
		if create {
			open = layout.Create
		}
		d, err := open(path)
		if err != nil {
			return nil, argument.Wrong(err)
		}
		return d, nil
	}
	d, err := layout.Temporary(os.TempDir())
	if err == nil && !missing {
		err = archive.ReadFile(ctx, path, d)
	}
	if err != nil && d != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, err
}

// unchanged is an error if someone else wrote an archive since it was read: what he
// put there would be lost.
func (l *layouts) unchanged(path string) error {
	before, now := l.seen[path], os.FileInfo(nil)
	info, err := os.Stat(path)
	switch {
	case err == nil:
		now = info
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if before == nil && now == nil {
		return nil
	}
	if before != nil && now != nil && os.SameFile(before, now) && before.Size() == now.Size() && before.ModTime().Equal(now.ModTime()) {
		return nil
	}
	return fmt.Errorf("writing %s%s: %w since it was read", argument.ArchivePrefix, path, manifest.ErrChanged)
}

// close writes the archives, if the command did its work, and removes what was
// temporary.
func (l *layouts) close(ctx context.Context, done bool) error {
	var errs []error
	for path, d := range l.written {
		if done {
			errs = append(errs, archive.UpdateFile(ctx, path, d, func() error { return l.unchanged(path) }))
		}
	}
	for _, d := range l.open {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}
