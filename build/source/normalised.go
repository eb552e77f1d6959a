package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"
)

// ContentKey returns a digest of path and content of the files whose time looks
// made, which it reads; it is empty when there are none. A time that is a whole
// second is what touch -d, git-restore-mtime, SOURCE_DATE_EPOCH, unzip and tar
// leave. It does not show that a file changed: an engine that has a file of the
// same path, size and time would keep its old bytes.
func (s *Snapshot) ContentKey(ctx context.Context) (string, error) {
	made := false
	h := sha256.New()
	for path, size := range s.Files() {
		if err := context.Cause(ctx); err != nil {
			return "", err
		}
		if s.entries[s.index[path]].stat.ModTime%int64(time.Second) != 0 {
			continue
		}
		made = true
		fmt.Fprintf(h, "%q %d\n", path, size)
		if err := s.copyTo(h, path); err != nil {
			return "", fmt.Errorf("reading build context: %w", err)
		}
	}
	if !made {
		return "", nil
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// copyTo reads a file without counting it as sent.
func (s *Snapshot) copyTo(w io.Writer, path string) error {
	f, err := s.open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if _, err := io.Copy(w, f.disk); err != nil {
		return err
	}
	info, err := f.disk.Stat()
	if err != nil {
		return err
	}
	return s.same(path, info)
}
