package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	// lockLimit is how long another edit is waited for, which takes
	// milliseconds, and lockEvery how often it is looked whether it ended.
	lockLimit = 10 * time.Second
	lockEvery = 10 * time.Millisecond
)

// locked does the edit of the file at path while no other process edits it, so
// that none undoes what another did. Where nothing can be locked, as on some
// network file systems, it does it all the same.
func locked(path string, edit func() error) error {
	dir := filepath.Dir(target(path))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("writing configuration: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockLimit)
	defer cancel()
	lock := lockOf(dir)
	if _, err := lock.TryLockContext(ctx, lockEvery); err != nil && ctx.Err() != nil {
		return fmt.Errorf("writing configuration: %s is being changed by another command", path)
	}
	defer func() { _ = lock.Unlock() }() // the process's end does it at the latest
	return edit()
}
