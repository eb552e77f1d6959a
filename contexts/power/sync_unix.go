//go:build unix

package power

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// sync has the folder's entries, and its own in the store, outlast a power cut.
func (f folder) sync() error {
	var errs []error
	for _, dir := range []string{f.dir, filepath.Dir(f.dir)} {
		open, err := os.Open(dir) //nolint:gosec // the store's own
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, open.Sync(), open.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("noting what is owed: %w", err)
	}
	return nil
}
