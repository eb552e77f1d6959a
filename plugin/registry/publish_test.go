package registry

import (
	"fmt"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/manifest"
	"github.com/docker-multiarch/docker-multiarch/plugin/plugintest"
)

func TestTheTagLatestIsPublishedLast(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"app", "app:latest"},
		{"app:latest app:1 app:1.2", "app:1 app:1.2 app:latest"},
		{"app:1 app:latest b:2 b c:3", "app:1 b:2 c:3 app:latest b:latest"},
		{"app:latest-1 app", "app:latest-1 app:latest"},
	} {
		given := plugintest.Targets(strings.Fields(c[0])...)
		before := fmt.Sprint(given)
		assert.Equal(t, strings.Join(Familiar(publicationOrder(given)), " "), c[1])
		assert.Equal(t, fmt.Sprint(given), before, "the order of the output is the user's")
	}
}

func TestAPartialErrorNamesEveryTarget(t *testing.T) {
	t.Parallel()
	e := &PartialError{Published: []string{"a", "b"}, Failed: "c", Err: manifest.ErrDenied}
	assert.Error(t, e, "published a, b; failed: c: denied")
	e.Untouched = []string{"d", "e"}
	assert.Error(t, e, "published a, b; failed: c: denied; not tried: d, e")
	assert.ErrorIs(t, e, manifest.ErrDenied)
}
