package plugin

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	clibuild "github.com/docker/cli/cli/command/image/build"
	"github.com/moby/go-archive"
)

// fetchContext makes a directory of a build context that is none: a git URL, the
// URL of a tar archive or of a Dockerfile, or "-" for either on standard input.
// It is fetched once, here, so that all nodes get the same; a git URL is one
// commit from then on. The caller removes what it returns.
func (o *buildOptions) fetchContext(stdin io.ReadCloser, progress io.Writer) (temporary string, err error) {
	kind, err := clibuild.DetectContextType(o.dir)
	if err != nil {
		return "", usage(fmt.Errorf("invalid build context: %w", err))
	}
	switch kind {
	case clibuild.ContextTypeStdin:
		return o.unpack(clibuild.GetContextFromReader(stdin, o.dockerfileInContext()))
	case clibuild.ContextTypeRemote:
		return o.unpack(clibuild.GetContextFromURL(progress, o.dir, o.dockerfileInContext()))
	case clibuild.ContextTypeGit:
		dir, _, err := clibuild.GetContextFromGitURL(o.dir, o.dockerfileInContext())
		if err != nil {
			return "", fmt.Errorf("fetching %s: %w", clean(o.dir), err)
		}
		o.dir, o.fetched = dir, true
		return topOf(dir), nil
	case clibuild.ContextTypeLocal:
	}
	return "", nil
}

// dockerfileInContext is the Dockerfile's name for docker/cli, which wants it
// to be in what it fetches.
func (o *buildOptions) dockerfileInContext() string {
	if len(o.file.all) == 1 && o.file.all[0].value != fromStdin {
		return o.file.all[0].value
	}
	return ""
}

// unpack writes an archive into a directory of its own.
func (o *buildOptions) unpack(tar io.ReadCloser, dockerfile string, err error) (string, error) {
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
	if len(o.file.all) == 0 && dockerfile != "" {
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
