package dockerfile

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

// Stdin is the path of a Dockerfile that is read from standard input.
const Stdin = "-"

// Set are the Dockerfiles of a build: one for all platforms, some for
// one platform each, or names made from the platform by a template such as
// Dockerfile.{{.OS}}-{{.Arch}}.
type Set struct {
	dir string
	// inside says that names are relative to dir, as for a build context that
	// was fetched.
	Inside bool
	values *argument.PlatformValues
	stdin  io.Reader
	read   map[string]*source.Dockerfile
	// complete says that no other Dockerfile can be used than those read.
	complete bool
}

// NewSet returns the Dockerfiles of a build context, by what --file says of
// them.
func NewSet(dir string, values *argument.PlatformValues, stdin io.Reader) *Set {
	return &Set{dir: dir, values: values, stdin: stdin, read: map[string]*source.Dockerfile{}}
}

// ReadKnown reads the Dockerfiles that can be named before the plan: all if the
// platforms are given, else those whose name does not depend on the platform.
func (d *Set) ReadKnown(given []ocispec.Platform) error {
	for _, p := range given {
		if _, err := d.Of(p); err != nil {
			return err
		}
	}
	everywhere, fixed := len(d.values.All) == 0, true
	for _, v := range d.values.All {
		everywhere = everywhere || v.Front == ""
		if strings.Contains(v.Value, "{{") {
			fixed = false
			continue
		}
		if _, err := d.open(v.Value); err != nil {
			return err
		}
	}
	d.complete = len(given) > 0 || everywhere && fixed
	if len(d.values.All) > 0 {
		return nil
	}
	_, err := d.open(d.standard())
	return err
}

// Named are the platforms that a Dockerfile of their own was given for.
func (d *Set) Named() []ocispec.Platform {
	var all []ocispec.Platform
	for _, v := range d.values.All {
		if v.Front != "" {
			all = append(all, v.Platform)
		}
	}
	return all
}

func (d *Set) standard() string { return filepath.Join(d.dir, "Dockerfile") }

// Of returns the Dockerfile for p.
func (d *Set) Of(p ocispec.Platform) (*source.Dockerfile, error) {
	path, err := d.path(p)
	if err != nil {
		return nil, err
	}
	return d.open(path)
}

// path returns where the Dockerfile for p is.
func (d *Set) path(p ocispec.Platform) (string, error) {
	name := d.values.Single(p)
	if name == "" {
		return d.standard(), nil
	}
	if !strings.Contains(name, "{{") {
		return name, nil
	}
	made, err := template.New("file").Parse(name)
	if err != nil {
		return "", argument.Wrong(fmt.Errorf("invalid --file %q: %w", name, err))
	}
	var b bytes.Buffer
	if err := made.Execute(&b, struct{ OS, Arch, Variant string }{p.OS, p.Architecture, p.Variant}); err != nil {
		return "", argument.Wrong(fmt.Errorf("invalid --file %q: %w", name, err))
	}
	return b.String(), nil
}

func (d *Set) open(path string) (*source.Dockerfile, error) {
	if file, ok := d.read[path]; ok {
		return file, nil
	}
	file, err := d.load(path)
	if err == nil {
		d.read[path] = file
	}
	return file, err
}

func (d *Set) load(path string) (*source.Dockerfile, error) {
	if path == Stdin {
		text, err := io.ReadAll(io.LimitReader(d.stdin, source.MaxText))
		if err != nil {
			return nil, fmt.Errorf("reading Dockerfile from standard input: %w", err)
		}
		return source.NewDockerfile(text, d.dir)
	}
	if d.Inside && !filepath.IsAbs(path) {
		path = filepath.Join(d.dir, path)
	}
	if info, err := os.Stat(path); err != nil {
		return nil, argument.Wrong(fmt.Errorf("invalid Dockerfile: %w", err))
	} else if info.IsDir() {
		return nil, argument.Wrong(fmt.Errorf("invalid Dockerfile: %s is a directory", path))
	}
	return source.ReadDockerfile(path, d.dir)
}

// Exclude returns the ignore patterns that hold for every Dockerfile of the
// build, so that the walk of the build context need not look there. It returns
// none if they differ, or if a Dockerfile may be used that was not read yet.
func (d *Set) Exclude() []string {
	if !d.complete {
		return nil
	}
	files := slices.Collect(maps.Values(d.read))
	for _, file := range files {
		if !slices.Equal(files[0].Exclude, file.Exclude) {
			return nil
		}
	}
	return files[0].Exclude
}
