package dockerfile

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build/source"
	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

// dockerfilesOf are the Dockerfiles of a build in dir with those values of
// --file, names in dir.
func dockerfilesOf(dir string, values ...string) *Set {
	v := &argument.PlatformValues{}
	for _, value := range values {
		if i := strings.LastIndexByte(value, ':'); i >= 0 {
			value = value[:i+1] + filepath.Join(dir, value[i+1:])
		} else if value != Stdin {
			value = filepath.Join(dir, value)
		}
		_ = v.Set(value)
	}
	return &Set{dir: dir, values: v, stdin: strings.NewReader("FROM stdin"), read: map[string]*source.Dockerfile{}}
}

func TestEveryPlatformGetsItsDockerfile(t *testing.T) {
	t.Parallel()
	dir := plugintest.Dir(t, map[string]string{
		"Dockerfile": "FROM standard", "other": "FROM other", "arm": "FROM arm", "v7": "FROM v7", "Dockerfile.linux-amd64": "FROM amd64",
	})
	for _, c := range []struct {
		values         []string
		platform, want string
	}{
		{nil, "linux/amd64", "standard"},
		{[]string{"other"}, "linux/amd64", "other"},
		{[]string{"linux/arm:arm"}, "linux/amd64", "standard"},
		{[]string{"linux/arm:arm", "other"}, "linux/amd64", "other"},
		{[]string{"linux/arm:arm", "other"}, "linux/arm/v7", "arm"},
		{[]string{"linux/arm/v7:v7", "linux/arm:arm", "other"}, "linux/arm/v7", "v7"},
		{[]string{"linux/arm/v7:v7", "linux/arm:arm", "other"}, "linux/arm/v6", "arm"},
		{[]string{"Dockerfile.{{.OS}}-{{.Arch}}"}, "linux/amd64", "amd64"},
		{[]string{"-"}, "linux/amd64", "stdin"},
	} {
		d := dockerfilesOf(dir, c.values...)
		p := platforms.Normalize(platforms.MustParse(c.platform))
		for range 2 { // the second time it is not read again
			file, err := d.Of(p)
			assert.NilError(t, err, "%q for %s", c.values, c.platform)
			assert.Equal(t, string(file.Content), "FROM "+c.want, "%q for %s", c.values, c.platform)
		}
	}
}

func TestADockerfileThatIsNotThereIsAUsageError(t *testing.T) {
	t.Parallel()
	dir := plugintest.Dir(t, map[string]string{"Dockerfile": "FROM standard"})
	for _, value := range []string{"nope", "linux/amd64:nope", "Dockerfile.{{.Arch}}", "{{.Nope}}", "{{"} {
		d := dockerfilesOf(dir, value)
		_, err := d.Of(platforms.MustParse("linux/amd64"))
		assert.Assert(t, plugintest.Wrong(err), "%q: %v", value, err)
	}
	// What can be known before the plan is.
	assert.Assert(t, plugintest.Wrong(dockerfilesOf(dir, "nope").ReadKnown(nil)))
	assert.Assert(t, plugintest.Wrong(dockerfilesOf(dir, "linux/s390x:nope").ReadKnown(nil)))
	assert.Assert(t, plugintest.Wrong(dockerfilesOf(t.TempDir()).ReadKnown(nil)))
	assert.NilError(t, dockerfilesOf(dir, "Dockerfile.{{.Arch}}").ReadKnown(nil))
}

// TestOnlyPatternsOfAllDockerfilesAreLeftOutOfTheWalk: there is one walk, and
// what one Dockerfile ignores another may need.
func TestOnlyPatternsOfAllDockerfilesAreLeftOutOfTheWalk(t *testing.T) {
	t.Parallel()
	own := map[string]string{"Dockerfile": "FROM a", "arm": "FROM b", "arm.dockerignore": "x", "s390x": "FROM c", "s390x.dockerignore": "x"}
	shared := map[string]string{"Dockerfile": "FROM a", "arm": "FROM b", ".dockerignore": "x"}
	for _, c := range []struct {
		name   string
		files  map[string]string
		values []string
		given  string
		want   string
	}{
		{"one file for all", shared, nil, "", "x"},
		{"two Dockerfiles, one ignore file", shared, []string{"linux/arm64:arm", "Dockerfile"}, "", "x"},
		{"none ignores anything", map[string]string{"Dockerfile": "FROM a", "arm": "FROM b"}, []string{"linux/arm64:arm", "Dockerfile"}, "", ""},
		{"one ignores something and the other nothing", own, []string{"linux/arm64:arm", "Dockerfile"}, "", ""},
		{"both ignore the same", own, []string{"linux/arm64:arm", "linux/s390x:s390x"}, "linux/arm64 linux/s390x", "x"},
		{"another platform's Dockerfile is not read yet", own, []string{"linux/arm64:arm"}, "", ""},
		{"a name made from the platform", shared, []string{"{{.Arch}}"}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := plugintest.Dir(t, c.files)
			for range 20 { // in any order of a map
				d := dockerfilesOf(dir, c.values...)
				given, err := argument.Platforms(strings.Fields(c.given))
				assert.NilError(t, err)
				assert.NilError(t, d.ReadKnown(given))
				assert.Equal(t, strings.Join(d.Exclude(), " "), c.want)
			}
		})
	}
}
