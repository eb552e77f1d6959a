package build

import (
	"os"
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build/source"
)

// request is a request for a small build context.
func request(t *testing.T) Request {
	t.Helper()
	req, _ := requestIn(t)
	return req
}

// requestIn returns the directory of the build context too.
func requestIn(t *testing.T) (_ Request, dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{"app.Dockerfile": "FROM scratch\nCOPY a /", "a": "content"} {
		assert.NilError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	dockerfile, err := source.ReadDockerfile(filepath.Join(dir, "app.Dockerfile"), dir)
	assert.NilError(t, err)
	snapshot, err := source.Read(t.Context(), dir, nil)
	assert.NilError(t, err)
	t.Cleanup(func() { assert.Check(t, snapshot.Close()) })
	return Request{Context: snapshot, Dockerfile: dockerfile, SharedKey: "key"}, dir
}

func TestWhatAFlagMeansToBuildKit(t *testing.T) {
	t.Parallel()
	plain := map[string]string{"platform": "linux/arm/v7", "filename": "app.Dockerfile"}
	for _, c := range []struct {
		name string
		set  func(*Request)
		want map[string]string
	}{
		{"nothing", func(*Request) {}, nil},
		{"--target", func(r *Request) { r.Target = "test" }, map[string]string{"target": "test"}},
		{"--no-cache", func(r *Request) { r.NoCache = true }, map[string]string{"no-cache": ""}},
		{"--pull", func(r *Request) { r.Pull = true }, map[string]string{"image-resolve-mode": "pull"}},
		{
			"--build-arg", func(r *Request) { r.BuildArgs = map[string]string{"A": "1", "B": "", "C": "x=y,z"} },
			map[string]string{"build-arg:A": "1", "build-arg:B": "", "build-arg:C": "x=y,z"},
		},
		{"--label", func(r *Request) { r.Labels = map[string]string{"a.b": "c=d"} }, map[string]string{"label:a.b": "c=d"}},
		{
			"a build argument named like an option", func(r *Request) { r.BuildArgs = map[string]string{"platform": "x", "target": "y"} },
			map[string]string{"build-arg:platform": "x", "build-arg:target": "y"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			req := request(t)
			c.set(&req)
			want := map[string]string{}
			for _, part := range []map[string]string{plain, c.want} {
				for k, v := range part {
					want[k] = v
				}
			}
			assert.DeepEqual(t, frontendAttrs(req, Assignment{Platform: parse("linux/arm/v7")}), want)
		})
	}
}

func TestSolveOpt(t *testing.T) {
	t.Parallel()
	req := request(t)
	view := req.Context.View(func(error) {})
	auth := &sessionAuth{}
	a := Assignment{Platform: parse("linux/amd64"), Targets: tags("example.com/app:1"), PlatformTags: tags("example.com/app:1-linux-amd64")}
	files, err := mounts(req, view, nil)
	assert.NilError(t, err)
	opt := solveOpt(req, a, files, auth)
	assert.Equal(t, opt.Frontend, "dockerfile.v0")
	assert.Equal(t, opt.SharedKey, "key")
	assert.Equal(t, len(opt.Exports), 1)
	assert.Equal(t, opt.Exports[0].Type, "moby", "the image has to end up in the engine's own store")
	assert.DeepEqual(t, opt.Exports[0].Attrs, map[string]string{"name": "example.com/app:1,example.com/app:1-linux-amd64"})
	assert.Equal(t, len(opt.Session), 1)
	assert.Assert(t, opt.Session[0] == auth)
	assert.Equal(t, len(opt.LocalMounts), 2)
	assert.Assert(t, opt.LocalMounts["context"] == view)
}

func TestAnImageWithoutNamesIsExportedWithoutAny(t *testing.T) {
	t.Parallel()
	req := request(t)
	opt := solveOpt(req, Assignment{Platform: parse("linux/amd64")}, nil, &sessionAuth{})
	assert.Equal(t, len(opt.Exports[0].Attrs), 0, `an empty "name" would be refused`)
}
