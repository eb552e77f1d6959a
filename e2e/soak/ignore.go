//go:build linux

package soak

import (
	"math/rand/v2"
	"path"
	"strings"
)

// wide are patterns that do not come from a path.
var wide = []string{
	"*", "**", "*/*", "**/*", "*.md", "**/*.md", ".*", "**/.*", "?", "[a-c]*", "[^a]*", "a*/**", "**/a", "**/a/**", "**/node_modules", ".", "./", "/",
	"..", "../a", "a/..", "a/../b", "a//b", "Dockerfile*", ".dockerignore", "**/Dockerfile", "***", "**a", "a**", "\\*", "\\a",
}

// Ignore is a random ignore file for a tree with these paths.
func Ignore(random *rand.Rand, paths []string, exceptions bool) string {
	end, text := "\n", strings.Builder{}
	if random.IntN(5) == 0 {
		end = "\r\n"
	}
	if random.IntN(7) == 0 {
		text.WriteString("\ufeff")
	}
	lines := 1 + random.IntN(8)
	for i := range lines {
		text.WriteString(line(random, paths, exceptions))
		if i < lines-1 || random.IntN(4) > 0 {
			text.WriteString(end)
		}
	}
	return text.String()
}

func line(random *rand.Rand, paths []string, exceptions bool) string {
	switch random.IntN(12) {
	case 0:
		return pick(random, []string{"", "# comment", "#", "  ", "\t", " # no comment"})
	case 1, 2, 3:
		return exception(random, exceptions) + pick(random, wide)
	}
	// A line break in a name can't be written down.
	pattern := strings.ReplaceAll(blur(random, pick(random, paths)), "\n", "?")
	switch random.IntN(8) {
	case 0:
		pattern = "/" + pattern
	case 1:
		pattern += "/"
	case 2:
		pattern = "./" + pattern
	case 3:
		pattern = "**/" + path.Base(pattern)
	case 4:
		pattern += pick(random, []string{"/*", "/**", "*"})
	}
	return pick(random, []string{"", "", "", " ", "\t"}) + exception(random, exceptions) + pattern + pick(random, []string{"", "", "", " "})
}

func exception(random *rand.Rand, may bool) string {
	if !may {
		return ""
	}
	return pick(random, []string{"", "", "", "!", "!", "! "})
}

// blur puts wildcards in place of parts of a path, or cuts it short.
func blur(random *rand.Rand, p string) string {
	parts := strings.Split(p, "/")
	parts = parts[:1+random.IntN(len(parts))]
	for i, part := range parts {
		letters := []rune(part)
		switch random.IntN(6) {
		case 0:
			parts[i] = pick(random, []string{"*", "**", "?*"})
		case 1:
			parts[i] = string(letters[:random.IntN(len(letters))]) + "*"
		case 2:
			letters[random.IntN(len(letters))] = '?'
			parts[i] = string(letters)
		}
	}
	return strings.Join(parts, "/")
}
