package source

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"gotest.tools/v3/assert"
)

// FuzzIgnore holds every ignore file against what moby's own matcher says of
// each path, as docker build asks it: what is excluded must not be in the build
// context (but for the parents of what an exception brings back), and what is not
// must be.
func FuzzIgnore(f *testing.F) {
	for _, seed := range []string{
		"", "a", "a\n!a/b", "*", "*\n!a/b/c", "**/b", "a/*\n!a/b", "**\n!**/x.go", "!a", "a/b/\n!a/b/c", "# comment\n\n a ", "/a", "./a", "a/../b",
		"[a-c]", "a?", "*.go\n!x.go", "a/**/c", "!**/c\na", "\\a", "*/*", "..", "../a", "!", "a\r\n!b\r\n", "\ufeffa",
	} {
		f.Add(seed)
	}
	all := tree{
		"a/b/c": "", "a/b/x.go": "", "a/d": "", "b/b": "", "b/c/c": "", "x.go": "", "y.md": "", "ab": "", ".x": "", "ä/c": "", "e/": "", "a b/c": "",
	}
	dir := f.TempDir()
	made := false
	f.Fuzz(func(t *testing.T, text string) {
		if !made {
			all.in(t, dir)
			made = true
		}
		patterns, err := ignorefile.ReadAll(strings.NewReader(text))
		if err != nil {
			t.Skip("no ignore file")
		}
		s, err := Read(t.Context(), dir, patterns)
		excluded, matchErr := excludedBy(walked(t, dir), patterns)
		if err != nil {
			assert.Assert(t, matchErr != nil, "%q is refused without a reason: %v", text, err)
			return
		}
		defer s.Close()
		assert.NilError(t, matchErr)
		found := paths(t, s.View(unheard), "")
		for path, excluded := range excluded {
			parent := slices.ContainsFunc(found, func(p string) bool { return strings.HasPrefix(p, path+"/") })
			assert.Equal(t, slices.Contains(found, path), !excluded || parent, "%q with %q", path, text)
		}
	})
}

// excludedBy asks the matcher for each path, none left out, after its parent.
func excludedBy(all, patterns []string) (map[string]bool, error) {
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	excluded, infos := map[string]bool{}, map[string]patternmatcher.MatchInfo{}
	for _, path := range all {
		excluded[path], infos[path], err = matcher.MatchesUsingParentResults(path, infos[filepath.ToSlash(filepath.Dir(path))])
		if err != nil {
			return nil, err
		}
	}
	return excluded, nil
}
