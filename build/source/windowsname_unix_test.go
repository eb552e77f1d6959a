//go:build !windows

package source

import (
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

// These make files that Windows can't have.

func TestWhatIsIgnoredNeedsNoWindowsName(t *testing.T) {
	t.Parallel()
	s := read(t, tree{"ok": "", "aux": "", "Ok": "", "dir/nul.c": ""}.make(t))
	err := s.CheckWindows(t.Context(), nil)
	assert.ErrorIs(t, err, ErrWindows)
	for _, path := range []string{`"aux"`, `"dir/nul.c"`, `"ok"`} {
		assert.ErrorContains(t, err, path)
	}
	assert.NilError(t, s.CheckWindows(t.Context(), []string{"aux", "dir", "Ok"}))
}

func TestManyWrongPathsAreCounted(t *testing.T) {
	t.Parallel()
	all := tree{}
	for i := range 14 {
		all[strings.Repeat("n", i+1)+"."] = ""
	}
	err := read(t, all.make(t)).CheckWindows(t.Context(), nil)
	assert.ErrorContains(t, err, ", 4 more")
	assert.Assert(t, !slices.Contains(strings.Fields(err.Error()), `"nnnnnnnnnnnnnn."`))
}
