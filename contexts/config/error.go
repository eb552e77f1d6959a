package config

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrUnknownContext is returned for a node that is not one of the user's
// Docker contexts.
var ErrUnknownContext = errors.New("no such Docker context")

// Error is a mistake in the file.
type Error struct {
	// Path is the file, and Line where in it the mistake is; 0 when it is
	// about the whole file.
	Path string
	Line int
	Err  error
}

func (e *Error) Error() string {
	at := e.Path
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
	}
	return fmt.Sprintf("%s: %v", at, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// suggest asks whether the one of names that is most like the unknown word was
// meant; it returns nothing when none is.
func suggest(word string, names []string) string {
	const farthest = 2
	best, least := "", farthest+1
	for _, name := range names {
		if d := distance(word, name); d < least && d < len(name) {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// distance is the number of bytes to be inserted, removed or replaced to make b
// of a.
func distance(a, b string) int {
	const longest = 128 // of a context's name; the work grows with the square
	if len(a) > longest || len(b) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
