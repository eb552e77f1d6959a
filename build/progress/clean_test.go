package progress

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"gotest.tools/v3/assert"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"plain text", "Step 1/2 : RUN make\n\tok\n", "Step 1/2 : RUN make\n\tok\n"},
		{"other scripts", "größer 日本語 🚀 é", "größer 日本語 🚀 é"},
		{"colour", "\x1b[31;1mred\x1b[0m", "red"},
		{"clear the screen", "a\x1b[2J\x1b[Hb", "ab"},
		{"move the cursor", "\x1b[10Aup\x1b[999Dleft\x1b[s\x1b[u", "upleft"},
		{"private modes", "\x1b[?1049h\x1b[?25lx\x1b[>4;2m\x1b[ q", "x"},
		{"set the title, ended by BEL", "a\x1b]0;evil\x07b", "ab"},
		{"set the title, ended by ST", "a\x1b]0;evil\x1b\\b", "ab"},
		{"a title that never ends", "a\x1b]0;evil", "a"},
		{"a link", "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07", "click"},
		{"the clipboard", "\x1b]52;c;ZXZpbA==\x07x", "x"},
		{"a device control string", "a\x1bP$q\"p\x1b\\b", "ab"},
		{"APC, PM and SOS", "a\x1b_x\x1b\\b\x1b^y\x1b\\c\x1bXz\x1b\\d", "abcd"},
		{"eight-bit CSI", "a\u009b2Jb", "a2Jb"},
		{"eight-bit CSI as a byte", "a\x9b2Jb", "a2Jb"},
		{"a lone escape", "a\x1bb\x1b", "ab"},
		{"reset", "a\x1bcb", "acb"},
		{"a sequence within a sequence", "\x1b\x1b[31m[2Jx", "[2Jx"},
		{"one that another's removal would make", "\x1b[\x1b[0m2Jx", "[2Jx"},
		{"CSI that is cut off", "x\x1b[12", "x[12"},
		{"bell, backspace, NUL, DEL", "a\x07b\x08c\x00d\x7fe\x0b\x0cf", "abcdef"},
		{"CRLF", "a\r\nb\r\n", "a\nb\n"},
		{"a carriage return that would overwrite", "password: \rerror: no", "password: \nerror: no"},
		{"bidirectional overrides", "a\u202eb\u2066c\u2069d\u200fe\u061cf", "abcdef"},
		{"no UTF-8", "a\xff\xfeb\xc3", "ab"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, Clean(c.text), c.want)
		})
	}
}

func TestALineThatIsTooLongIsCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxLine)
	assert.Equal(t, Clean(long), long)
	assert.Equal(t, Clean(long+"y"), long+"…")
	assert.Equal(t, Clean("a\n"+long+"y\nb"), "a\n"+long+"…\nb", "the other lines stay")
	assert.Equal(t, Clean(strings.Repeat("ab\n", MaxLine)), strings.Repeat("ab\n", MaxLine), "many short lines are no long one")

	// No character is cut in half.
	cut := Clean(strings.Repeat("ä", MaxLine))
	assert.Assert(t, utf8.ValidString(cut))
	cut = Clean("x" + strings.Repeat("ä", MaxLine))
	assert.Assert(t, utf8.ValidString(cut))
	assert.Assert(t, len(cut) <= MaxLine+len("…"))
}

// TestACutLineEndsNoSequenceInTheMiddle: half a sequence would take what follows
// on the terminal for its other half.
func TestACutLineEndsNoSequenceInTheMiddle(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		text := strings.Repeat("x", MaxLine-i) + "\x1b[31;1mred"
		checkClean(t, text, Clean(text))
	}
}

// checkClean checks what must hold for any text.
func checkClean(t *testing.T, text, cleaned string) {
	t.Helper()
	assert.Assert(t, utf8.ValidString(cleaned), "%q", text[:min(len(text), 100)])
	for _, line := range strings.Split(cleaned, "\n") {
		assert.Assert(t, len(line) <= MaxLine+len("…"), "%d bytes", len(line))
	}
	for _, r := range cleaned {
		ok := r == '\n' || r == '\t' || !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r) && r != utf8.RuneError
		assert.Assert(t, ok, "%U in the last 100 bytes %q", r, cleaned[max(0, len(cleaned)-100):])
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{
		"text", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b\x1b[m[2J", "a\r\nb\rc", "\u202e\u009b2J", "\xff\xc3", "\x1bP\x1b\\", "\x1b[\x1b[0m2J", "日本\t\n",
	} {
		f.Add(seed, 1)
		f.Add(seed, MaxLine)
	}
	f.Fuzz(func(t *testing.T, text string, times int) {
		// A long line of it too.
		text = strings.Repeat(text, min(max(times, 1), 1+MaxLine/(len(text)+1)))
		cleaned := Clean(text)
		checkClean(t, text, cleaned)
		if len(text) < MaxLine {
			assert.Equal(t, Clean(cleaned), cleaned, "cleaning again changes %q", text)
		}
	})
}
