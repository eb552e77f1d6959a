//go:build unix

package config

import (
	"os"

	"github.com/gofrs/flock"
)

// lockOf is the lock of the files in dir: the folder itself, so that no file is
// left that is there for nothing else.
func lockOf(dir string) *flock.Flock { return flock.New(dir, flock.SetFlag(os.O_RDONLY)) }
