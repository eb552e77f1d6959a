package progress

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLine bounds one line of text from a node, in bytes.
const MaxLine = 16 << 10

// sequences are the escape sequences of ECMA-48 that carry parameters or a
// string: CSI, and OSC, DCS, SOS, PM and APC up to their terminator.
var sequences = regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]|\x1b[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?")

// Clean returns text without anything that could move the cursor, change the
// terminal, or hide other text: escape sequences, control characters other
// than newline and tab, bidirectional overrides, and bytes that are not UTF-8.
// A carriage return becomes a newline. Lines longer than MaxLine are cut.
func Clean(text string) string {
	if isClean(text) {
		return text
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	return Printable(cutLines(text))
}

// CleanLine is Clean for text that has to stay on one line.
func CleanLine(text string) string {
	return strings.ReplaceAll(Clean(text), "\n", " ")
}

// isClean says that there is nothing to do, which is the case for most text.
func isClean(text string) bool {
	if len(text) > MaxLine {
		return false
	}
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || c == 0x7f || (c < ' ' && c != '\n' && c != '\t') {
			return false
		}
	}
	return true
}

// Printable is Clean for text that programs read: its lines are whole, however
// long.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, sequences.ReplaceAllString(text, ""))
}

// cutLines cuts before the text is cleaned: half a sequence at the end of a cut
// line then goes with the rest.
func cutLines(text string) string {
	if len(text) <= MaxLine {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if len(line) > MaxLine {
			lines[i] = strings.ToValidUTF8(line[:MaxLine], "") + "…"
		}
	}
	return strings.Join(lines, "\n")
}
