package builder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	clibuild "github.com/docker/cli/cli/command/image/build"
	"github.com/moby/buildkit/frontend/dockerfile/dfgitutil"
	"github.com/moby/go-archive"
	dockerprogress "github.com/moby/moby/client/pkg/progress"
	"github.com/moby/moby/client/pkg/streamformatter"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/dockerfile"
	"github.com/docker-multiarch/docker-multiarch/scratch"
)

// fetchContext makes a directory of a build context that is none: a git URL, the
// URL of a tar archive or of a Dockerfile, or "-" for either on standard input.
// It is fetched once, here, so that all nodes get the same; a git URL is one
// commit from then on. remove, if there is one, removes what was made, also of what failed.
func (o *options) fetchContext(ctx context.Context, stdin io.Reader, notes io.Writer) (remove func() error, err error) {
	if o.dir, err = fragment(o.dir); err != nil {
		return nil, argument.Wrong(fmt.Errorf("invalid build context: %w", err))
	}
	kind, err := clibuild.DetectContextType(o.dir)
	if err != nil {
		return nil, argument.Wrong(fmt.Errorf("invalid build context: %w", err))
	}
	switch kind {
	case clibuild.ContextTypeStdin:
		for _, f := range o.file.All {
			if f.Value == dockerfile.Stdin {
				return nil, argument.Wrong(errors.New("standard input can't be both the build context and the Dockerfile"))
			}
		}
		return o.unpack(clibuild.GetContextFromReader(io.NopCloser(stdin), o.dockerfileInContext()))
	case clibuild.ContextTypeRemote:
		body, err := download(ctx, o.dir, notes)
		if err != nil {
			return nil, fmt.Errorf("fetching build context: %w", err)
		}
		return o.unpack(clibuild.GetContextFromReader(body, o.dockerfileInContext()))
	case clibuild.ContextTypeGit:
		return o.clone(ctx)
	case clibuild.ContextTypeLocal:
	}
	return nil, nil //nolint:nilnil // nothing was made
}

// dockerfileInContext is the Dockerfile's name for docker/cli, which wants it to be
// in what it fetches; Stdin if that can't be said.
func (o *options) dockerfileInContext() string {
	switch files := o.file.All; {
	case len(files) == 0:
		return ""
	case len(files) == 1 && !strings.Contains(files[0].Value, "{{"):
		return files[0].Value
	}
	return dockerfile.Stdin
}

// download gets what is at a URL.
func download(ctx context.Context, url string, notes io.Writer) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, errors.Join(fmt.Errorf("getting %s: %s", anonymous(url), response.Status), response.Body.Close())
	}
	shown := streamformatter.NewProgressOutput(notes)
	return dockerprogress.NewProgressReader(response.Body, shown, response.ContentLength, "", "Downloading build context from remote url: "+progress.Clean(anonymous(url))), nil
}

// clone makes a clone of a git repository. docker/cli knows no context: what it
// does when ctx ends is left to itself, as the git that it started.
func (o *options) clone(ctx context.Context) (remove func() error, err error) {
	url, file, done := o.dir, o.dockerfileInContext(), make(chan error, 1)
	var dir string
	go func() {
		var err error
		dir, _, err = clibuild.GetContextFromGitURL(withRef(url), file)
		done <- err
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if dir != "" {
		remove = func() error { return os.RemoveAll(topOf(dir)) }
	}
	if err != nil {
		return remove, fmt.Errorf("fetching %s: %s", progress.Clean(anonymous(url)), anonymous(err.Error()))
	}
	o.dir, o.fetched = dir, true
	return remove, nil
}

// login is what stands before the host in a URL, which may be a token alone.
var login = regexp.MustCompile(`(?i)(https?://)[^/?#\s"']*@`)

// anonymous is a text without the logins in its URLs.
func anonymous(text string) string { return login.ReplaceAllString(text, "$1***@") }

// fragment writes the query of a git URL (?branch=main&subdir=app, as BuildKit
// reads it since 0.24) the older way, #main:app, which docker/cli knows.
func fragment(context string) (string, error) {
	if !strings.Contains(context, "?") {
		return context, nil
	}
	ref, isGit, err := dfgitutil.ParseGitRef(context)
	switch {
	case !isGit:
		return context, nil
	case err != nil:
		return "", err
	case ref.Checksum != "" && ref.Ref != "" || ref.KeepGitDir != nil || ref.Submodules != nil || ref.MTime != "":
		return "", errors.New("of the query of a git URL only ref, branch, tag, subdir, or a commit alone are known")
	}
	fragment := "#" + cmp.Or(ref.Ref, ref.Checksum)
	if ref.SubDir != "" {
		fragment += ":" + ref.SubDir
	}
	return ref.Remote + fragment, nil
}

// withRef names the default branch, as BuildKit does, in a git URL that names
// nothing: docker/cli would take master.
func withRef(url string) string {
	address, fragment, _ := strings.Cut(url, "#")
	if fragment == "" || fragment[0] == ':' {
		return address + "#HEAD" + fragment
	}
	return url
}

// unpack writes an archive into a directory of its own.
func (o *options) unpack(tar io.ReadCloser, dockerfile string, err error) (remove func() error, _ error) {
	if err != nil {
		return nil, fmt.Errorf("fetching build context: %w", err)
	}
	defer func() { _ = tar.Close() }()
	parent, err := scratch.New(os.TempDir(), "multiarch-context-")
	if err != nil {
		return nil, fmt.Errorf("fetching build context: %w", err)
	}
	dir := filepath.Join(parent.Path, "context")
	if err := errors.Join(os.Mkdir(dir, 0o700), archive.Untar(tar, dir, &archive.TarOptions{NoLchown: true})); err != nil {
		return parent.Remove, fmt.Errorf("unpacking build context: %w", err)
	}
	o.dir, o.fetched = dir, true
	if len(o.file.All) == 0 && dockerfile != "" {
		// A Dockerfile that came alone gets a name of docker/cli's.
		err = o.file.Set(dockerfile)
	}
	return parent.Remove, err
}

// topOf is the directory that docker/cli made for a clone of which dir is a part.
func topOf(dir string) string {
	for parent := filepath.Dir(dir); parent != filepath.Clean(os.TempDir()) && parent != filepath.Dir(parent); parent = filepath.Dir(parent) {
		dir = parent
	}
	return dir
}
