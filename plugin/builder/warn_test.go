package builder

import (
	"testing"

	buildkit "github.com/moby/buildkit/client"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/build"
)

func TestACacheThatSeveralPlatformsWrite(t *testing.T) {
	t.Parallel()
	to := func(kind, key, value string) build.Request {
		return build.Request{CacheTo: []buildkit.CacheOptionsEntry{{Type: kind, Attrs: map[string]string{key: value, "mode": "max"}}}}
	}
	for _, c := range []struct {
		a, b build.Request
		want []string
	}{
		{to("registry", "ref", "app:cache"), to("registry", "ref", "app:cache"), []string{"type=registry,ref=app:cache"}},
		{to("local", "dest", "x"), to("local", "dest", "x"), []string{"type=local,dest=x"}},
		{to("registry", "ref", "app:a"), to("registry", "ref", "app:b"), nil},
		{to("inline", "", ""), to("inline", "", ""), nil},
		{to("registry", "ref", "app:cache"), build.Request{}, nil},
	} {
		assert.DeepEqual(t, sharedCaches(map[string]build.Request{"linux/amd64": c.a, "linux/386": c.b}), c.want)
	}
}
