package builder

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/docker-multiarch/docker-multiarch/build"
	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// locations are how a named context begins that is not a directory here.
var locations = []string{"docker-image://", "http://", "https://", "git://", "git@", "ssh://"}

// readNamedContexts takes --build-context NAME=PATH|LOCATION.
func (s *session) readNamedContexts(ctx context.Context, r *build.Request, a build.Assignment) error {
	r.NamedContexts = map[string]build.NamedContext{}
	for _, value := range s.input.options.buildContexts.List(a.Platform) {
		name, place, ok := strings.Cut(value, "=")
		if !ok || name == "" || place == "" {
			return argument.Wrong(fmt.Errorf("invalid --build-context %q: want NAME=PATH", value))
		}
		if isLocation(place) {
			r.NamedContexts[name] = build.NamedContext{Location: place}
			continue
		}
		dir, err := s.directory(ctx, place)
		if err != nil {
			return argument.Wrong(fmt.Errorf("invalid --build-context %s: %w", name, err))
		}
		r.NamedContexts[name] = build.NamedContext{Dir: dir}
		// Engines know all sources of a build by one key.
		content, err := dir.ContentKey(ctx)
		if err != nil {
			return err
		}
		r.SharedKey = projectKey(r.SharedKey + name + place + content)
	}
	return nil
}

func isLocation(place string) bool {
	for _, start := range locations {
		if strings.HasPrefix(place, start) {
			return true
		}
	}
	return false
}

// directory walks the directory of a named context once, however many platforms
// use it. Its own .dockerignore holds.
func (s *session) directory(ctx context.Context, path string) (*source.Snapshot, error) {
	if dir, ok := s.directories[path]; ok {
		return dir, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, errors.New("not a directory")
	}
	ignore, err := source.NewDockerfile(nil, path)
	if err != nil {
		return nil, err
	}
	dir, err := source.Read(ctx, path, ignore.Exclude)
	if err != nil {
		return nil, err
	}
	if s.directories == nil {
		s.directories = map[string]*source.Snapshot{}
	}
	s.directories[path] = dir
	return dir, nil
}
