package image

import (
	"errors"
	"slices"
)

// parallelReads is how many references are read from registries at once.
const parallelReads = 8

// joinOne joins errors, and leaves one alone as it is.
func joinOne(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}
