package builder

import (
	"testing"

	"gotest.tools/v3/assert"
)

func TestTheQueryOfAGitURLIsItsFragment(t *testing.T) {
	t.Parallel()
	for context, want := range map[string]string{
		"https://example.com/a.git?branch=main&subdir=app/x": "https://example.com/a.git#refs/heads/main:app/x",
		"https://example.com/a.git?tag=v1":                   "https://example.com/a.git#refs/tags/v1",
		"https://example.com/a.git?subdir=app":               "https://example.com/a.git#:app",
		"https://example.com/a.git?ref=v1#:app":              "https://example.com/a.git#v1:app",
		"https://example.com/a.git?commit=0123abc":           "https://example.com/a.git#0123abc",
		"https://example.com/a.git#v1:app":                   "https://example.com/a.git#v1:app",
		"https://example.com/app.tar?branch=main":            "https://example.com/app.tar?branch=main",
		"what?": "what?",
		".":     ".",
	} {
		got, err := fragment(context)
		assert.NilError(t, err)
		assert.Equal(t, got, want)
	}
	for _, context := range []string{
		"https://example.com/a.git?branch=main&tag=v1", "https://example.com/a.git?branch=main#other",
		"https://example.com/a.git?ref=v1&commit=0123abc", "https://example.com/a.git?mtime=commit", "https://example.com/a.git?nope=1",
	} {
		_, err := fragment(context)
		assert.Assert(t, err != nil, context)
	}
}
