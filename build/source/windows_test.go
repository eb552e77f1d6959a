package source

import (
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
)

func TestPathsThatWindowsCannotHave(t *testing.T) {
	t.Parallel()
	for path, reason := range map[string]string{
		"con": "device", "NUL.txt": "device", "dir/Com1": "device", "lpt9.tar.gz": "device", "aux .c": "device", "com¹": "device", "conin$": "device",
		"console": "", "com": "", "com10": "", "xnul": "", "nul-file": "", ".con": "",
		"a:b": "is in it", `a\b`: "is in it", "a?": "is in it", "<": "is in it", "a\nb": "control",
		"trailing.": "end", "trailing ": "end", " leading": "", "..data": "", "a b.c": "", "日本": "",
		strings.Repeat("x/", 129) + "ab": "", strings.Repeat("x/", 129) + "abc": "261 characters",
		strings.Repeat("🐳/", 86) + "abc": "261 characters",
	} {
		got := windowsProblems([]string{path})
		assert.Equal(t, len(got) > 0, reason != "", "%q: %v", path, got)
		assert.Assert(t, strings.Contains(strings.Join(got, ""), reason), "%q: %v", path, got)
	}
}

func TestPathsThatAreOneOnWindows(t *testing.T) {
	t.Parallel()
	got := windowsProblems([]string{"A", "A/x", "B", "a", "a/X", "b/c", "É", "é"})
	assert.DeepEqual(t, got, []string{`"a" (differs from "A" in case only)`, `"é" (differs from "É" in case only)`})
}

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
