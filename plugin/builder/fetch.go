package builder

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	clibuild "github.com/docker/cli/cli/command/image/build"
	"github.com/moby/go-archive"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/dockerfile"
)

// fetchContext makes a directory of a build context that is none: a git URL, the
// URL of a tar archive or of a Dockerfile, or "-" for either on standard input.
// It is fetched once, here, so that all nodes get the same; a git URL is one
// commit from then on. The caller removes what it returns.
func (o *options) fetchContext(stdin io.ReadCloser, notes io.Writer) (temporary string, err error) {
	kind, err := clibuild.DetectContextType(o.dir)
	if err != nil {
		return "", argument.Wrong(fmt.Errorf("invalid build context: %w", err))
	}
	switch kind {
	case clibuild.ContextTypeStdin:
		return o.unpack(clibuild.GetContextFromReader(stdin, o.dockerfileInContext()))
	case clibuild.ContextTypeRemote:
		return o.unpack(clibuild.GetContextFromURL(notes, o.dir, o.dockerfileInContext()))
	case clibuild.ContextTypeGit:
		dir, _, err := clibuild.GetContextFromGitURL(o.dir, o.dockerfileInContext())
		if err != nil {
			return "", fmt.Errorf("fetching %s: %w", progress.Clean(o.dir), err)
		}
		o.dir, o.fetched = dir, true
		return topOf(dir), nil
	case clibuild.ContextTypeLocal:
	}
	return "", nil
}

// dockerfileInContext is the Dockerfile's name for docker/cli, which wants it
// to be in what it fetches.
func (o *options) dockerfileInContext() string {
	if len(o.file.All) == 1 && o.file.All[0].Value != dockerfile.Stdin {
		return o.file.All[0].Value
	}
	return ""
}

// unpack writes an archive into a directory of its own.
func (o *options) unpack(tar io.ReadCloser, dockerfile string, err error) (string, error) {
	if err != nil {
		return "", fmt.Errorf("fetching build context: %w", err)
	}
	defer func() { _ = tar.Close() }()
	dir, err := os.MkdirTemp("", "multiarch-context-")
	if err != nil {
		return "", fmt.Errorf("fetching build context: %w", err)
	}
	if err := archive.Untar(tar, dir, &archive.TarOptions{NoLchown: true}); err != nil {
		return dir, fmt.Errorf("unpacking build context: %w", err)
	}
	o.dir, o.fetched = dir, true
	if len(o.file.All) == 0 && dockerfile != "" {
		// A Dockerfile that came alone gets a name of docker/cli's.
		return dir, o.file.Set(dockerfile)
	}
	return dir, nil
}

// topOf is the directory that docker/cli made for a clone of which dir is a part.
func topOf(dir string) string {
	for parent := filepath.Dir(dir); parent != filepath.Clean(os.TempDir()) && parent != filepath.Dir(parent); parent = filepath.Dir(parent) {
		dir = parent
	}
	return dir
}
