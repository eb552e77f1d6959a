package binary

import (
	"fmt"
	"path"
	"strings"
)

// Allowed are the paths that may hold programs for other machines: a file, a
// directory with all that is in it, or a pattern as path.Match has it.
type Allowed []string

// NewAllowed checks the patterns.
func NewAllowed(patterns []string) (Allowed, error) {
	all := make(Allowed, len(patterns))
	for i, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil || !path.IsAbs(pattern) {
			return nil, fmt.Errorf("%q is no absolute path or pattern", pattern)
		}
		all[i] = path.Clean(pattern)
	}
	return all, nil
}

func (a Allowed) has(name string) bool {
	for _, pattern := range a {
		for at := name; ; at = path.Dir(at) {
			if ok, _ := path.Match(pattern, at); ok {
				return true
			}
			if at == "/" || !strings.HasPrefix(at, "/") {
				break
			}
		}
	}
	return false
}
