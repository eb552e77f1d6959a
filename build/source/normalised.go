package source

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/opencontainers/go-digest"
)

// Normalised says that the times of the files look made: every one is a whole
// second, as touch -d, git-restore-mtime, SOURCE_DATE_EPOCH, unzip and tar leave
// them. Such times do not show that a file changed: an engine that has a file
// of the same path, size and time would keep its old bytes.
func (s *Snapshot) Normalised() bool {
	files := false
	for path := range s.Files() {
		files = true
		if s.entries[s.index[path]].stat.ModTime%int64(time.Second) != 0 {
			return false
		}
	}
	return files
}

// ContentKey returns a digest of paths and content of all files, which it reads.
func (s *Snapshot) ContentKey(ctx context.Context) (digest.Digest, error) {
	h := sha256.New()
	view := s.View(func(error) {})
	for path, size := range s.Files() {
		if err := context.Cause(ctx); err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %d\n", path, size)
		f, err := view.Open(path)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(h, f)
		if err = cmp.Or(err, f.Close()); err != nil {
			return "", fmt.Errorf("reading build context: %w", err)
		}
	}
	return digest.NewDigest(digest.SHA256, h), nil
}
