package argument

import (
	"fmt"
	"strings"
)

// Shown is how many of several things a message names.
const Shown = 5

// Shorten lists a few names and says how many more there are.
func Shorten(names []string) string {
	if more := len(names) - Shown; more > 0 {
		return strings.Join(names[:Shown], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
