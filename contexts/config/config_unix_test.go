//go:build unix

package config

import (
	"path/filepath"
	"syscall"
	"testing"

	"gotest.tools/v3/assert"
)

func TestReadSpecialFile(t *testing.T) {
	t.Parallel()
	_, err := Read(t.TempDir())
	assert.ErrorContains(t, err, "not a regular file")
	pipe := filepath.Join(t.TempDir(), FileName)
	assert.NilError(t, syscall.Mkfifo(pipe, 0o600))
	_, err = Read(pipe)
	assert.ErrorContains(t, err, "not a regular file")
}
