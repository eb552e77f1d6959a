package build

import (
	"io"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// What a frame says it has is no reason to make room for it.
func TestFramesAreTakenAsTheyCome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		stream, want string
		err          error
	}{
		{"\x01\x00\x00\x00\x00\x00\x00\x03out\x02\x00\x00\x00\x00\x00\x00\x03err", "outerr", nil},
		{"\x01\x00\x00\x00\xff\xff\xff\xffout", "out", io.EOF},
		{"\x01\x00\x00", "", io.ErrUnexpectedEOF},
		{"", "", nil},
	} {
		var out strings.Builder
		assert.ErrorIs(t, demultiplex(&out, strings.NewReader(c.stream)), c.err)
		assert.Equal(t, out.String(), c.want)
	}
	assert.ErrorContains(t, demultiplex(io.Discard, strings.NewReader("\x03\x00\x00\x00\x00\x00\x00\x00")), "kind 3")
}
