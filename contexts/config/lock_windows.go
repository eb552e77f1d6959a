package config

import (
	"path/filepath"

	"github.com/gofrs/flock"
)

// lockOf is the lock of the files in dir. Windows locks no folders.
func lockOf(dir string) *flock.Flock { return flock.New(filepath.Join(dir, FileName+".lock")) }
