package build

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	buildkit "github.com/moby/buildkit/client"
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
		{"--no-cache-filter", func(r *Request) { r.NoCacheFilter = []string{"a", "b"} }, map[string]string{"no-cache": "a,b"}},
		{"--no-cache beats --no-cache-filter", func(r *Request) { r.NoCache, r.NoCacheFilter = true, []string{"a"} }, map[string]string{"no-cache": ""}},
		{"--add-host", func(r *Request) { r.AddHosts = []string{"a=1.2.3.4", "b=::1"} }, map[string]string{"add-hosts": "a=1.2.3.4,b=::1"}},
		{"--network", func(r *Request) { r.Network = "none" }, map[string]string{"force-network-mode": "none"}},
		{"--ulimit", func(r *Request) { r.Ulimits = []string{"nofile=1:2", "core=0:0"} }, map[string]string{"ulimit": "nofile=1:2,core=0:0"}},
		{"--cgroup-parent", func(r *Request) { r.CgroupParent = "c" }, map[string]string{"cgroup-parent": "c"}},
		{"--shm-size", func(r *Request) { r.ShmSize = 1 << 20 }, map[string]string{"shm-size": "1048576"}},
		{"--attest", func(r *Request) { r.Attests = map[string]string{"sbom": "generator=x"} }, map[string]string{"attest:sbom": "generator=x"}},
		{
			"--build-context", func(r *Request) {
				r.NamedContexts = map[string]NamedContext{"image": {Location: "docker-image://alpine"}, "dir": {Dir: r.Context}}
			},
			map[string]string{"context:image": "docker-image://alpine", "context:dir": "local:named-dir"},
		},
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
	files, err := newMounts(req, view, nil)
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
	opt := solveOpt(req, Assignment{Platform: parse("linux/amd64")}, mounts{}, &sessionAuth{})
	assert.Equal(t, len(opt.Exports[0].Attrs), 0, `an empty "name" would be refused`)
}

func TestWhatTheSessionServes(t *testing.T) {
	t.Parallel()
	req := request(t)
	req.NamedContexts = map[string]NamedContext{"image": {Location: "docker-image://alpine"}, "dir": {Dir: req.Context}}
	req.Dockerfile.Exclude = []string{"a"}
	files, err := newMounts(req, req.Context.View(func(error) {}), func(error) {})
	assert.NilError(t, err)
	served := map[string]string{}
	for name, files := range files.all {
		assert.NilError(t, files.Walk(t.Context(), "", func(path string, _ fs.DirEntry, err error) error {
			served[name] += path + " "
			return err
		}))
	}
	// The ignore file of the Dockerfile holds for the build context alone.
	assert.DeepEqual(t, served, map[string]string{"context": "app.Dockerfile ", "dockerfile": "app.Dockerfile ", "named-dir": "a app.Dockerfile "})

	req.Dockerfile.Exclude = []string{"[a-"}
	_, err = newMounts(req, req.Context.View(func(error) {}), nil)
	assert.ErrorContains(t, err, "ignore file")
}

func TestTheRightToTheHostsNetworkIsAskedForOnlyWithTheFlag(t *testing.T) {
	t.Parallel()
	req := request(t)
	for network, want := range map[string][]string{"": nil, "none": nil, "host": {"network.host"}} {
		req.Network = network
		assert.DeepEqual(t, solveOpt(req, Assignment{}, mounts{}, &sessionAuth{}).AllowedEntitlements, want)
	}
}

func TestSecretsAreAttachedBesideTheLogins(t *testing.T) {
	t.Parallel()
	req := request(t)
	secret, auth := &sessionAuth{}, &sessionAuth{}
	req.Secrets = secret
	opt := solveOpt(req, Assignment{}, mounts{}, auth)
	assert.Equal(t, len(opt.Session), 2)
	assert.Assert(t, opt.Session[0] == auth && opt.Session[1] == secret)
}

func TestFilesInsteadOfAnImage(t *testing.T) {
	t.Parallel()
	req := request(t)
	dest := filepath.Join(t.TempDir(), "new", "out")
	req.Outputs = []Output{{Type: OutputLocal, Dest: dest}}
	export := solveOpt(req, Assignment{Targets: tags("app:1")}, mounts{}, &sessionAuth{}).Exports[0]
	assert.Equal(t, export.Type, buildkit.ExporterLocal)
	assert.Equal(t, export.OutputDir, dest)

	req.Outputs[0].Type = OutputTar
	export = solveOpt(req, Assignment{}, mounts{}, &sessionAuth{}).Exports[0]
	assert.Equal(t, export.Type, buildkit.ExporterTar)
	file, err := export.Output(nil)
	assert.NilError(t, err)
	_, err = file.Write([]byte("tar"))
	assert.NilError(t, err)
	_, err = os.Stat(dest)
	assert.ErrorIs(t, err, fs.ErrNotExist, "half a file must not have the name of a whole one")
	assert.NilError(t, file.Close())
	text, err := os.ReadFile(dest)
	assert.NilError(t, err)
	assert.Equal(t, string(text), "tar")
}

func TestAnnotationsGoIntoTheImage(t *testing.T) {
	t.Parallel()
	req := request(t)
	req.Annotations = map[string]string{"org.example.a": "b"}
	opt := solveOpt(req, Assignment{Targets: tags("example.com/app:1")}, mounts{}, &sessionAuth{})
	assert.DeepEqual(t, opt.Exports[0].Attrs, map[string]string{"annotation.org.example.a": "b", "name": "example.com/app:1", "oci-mediatypes": "true"})
}
