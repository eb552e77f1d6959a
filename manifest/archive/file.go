package archive

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
	"github.com/docker-multiarch/docker-multiarch/scratch"
)

// ReadFile is [Read] of a file. One that ends too early is an [ErrInvalid] too.
func ReadFile(ctx context.Context, path string, d *layout.Dir) error {
	file, err := os.Open(path) //nolint:gosec // the caller's
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	in := bufio.NewReader(file)
	start, _ := in.Peek(4) // what can't be read is found next
	err = Read(ctx, in, d)
	switch {
	case errors.Is(err, ErrInvalid) && (bytes.HasPrefix(start, []byte("\x1f\x8b")) || bytes.Equal(start, []byte("\x28\xb5\x2f\xfd"))):
		err = invalid("it is compressed, and is read only without")
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = invalid("it ends too early")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// WriteFile is [Write] to a file, for every user to read. It has the name path only when it is whole and on disk; what had
// the name before is replaced. Missing directories are made.
func WriteFile(ctx context.Context, path string, d *layout.Dir, docker bool) error {
	return writeFile(ctx, path, d, docker, func() error { return nil })
}

// UpdateFile is WriteFile of an OCI layout that was read from path. Where ready returns an error, when all is written but
// for the name, what has the name stays.
func UpdateFile(ctx context.Context, path string, d *layout.Dir, ready func() error) error {
	return writeFile(ctx, path, d, false, ready)
}

func writeFile(ctx context.Context, path string, d *layout.Dir, docker bool, ready func() error) (err error) {
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	unfinished, err := scratch.New(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unfinished.Remove()) }()
	file, err := os.Create(filepath.Join(unfinished.Path, "archive"))
	if err != nil {
		return err
	}
	err = Write(ctx, file, d, docker)
	if err == nil {
		err = errors.Join(file.Chmod(0o644), file.Sync())
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = ready()
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	return err
}
