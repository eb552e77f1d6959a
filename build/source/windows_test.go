package source

import (
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
