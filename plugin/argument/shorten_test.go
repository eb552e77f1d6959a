package argument_test

import (
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/plugin/argument"
)

func TestALongListIsShortened(t *testing.T) {
	t.Parallel()
	assert.Equal(t, argument.Shorten([]string{"a", "b"}), "a, b")
	assert.Equal(t, argument.Shorten([]string{"a", "b", "c", "d", "e", "f", "g"}), "a, b, c, d, e and 2 more")
}
