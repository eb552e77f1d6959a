package builder

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
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

// A login in the URL of a build context is shown nowhere.
func TestTheLoginInAURLIsNotShown(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/there" {
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	address := strings.Replace(server.URL, "://", "://bot:s3cret@", 1)
	var notes bytes.Buffer

	_, err := download(t.Context(), address+"/missing", &notes)
	assert.ErrorContains(t, err, "404")
	assert.Assert(t, !strings.Contains(err.Error(), "s3cret"), "%v", err)

	body, err := download(t.Context(), address+"/there", &notes)
	assert.NilError(t, err)
	_, err = io.ReadAll(body)
	assert.NilError(t, err)
	assert.NilError(t, body.Close())
	assert.Assert(t, strings.Contains(notes.String(), "/there"), notes.String())
	assert.Assert(t, !strings.Contains(notes.String(), "s3cret"), notes.String())

	for _, url := range []string{address + "/x.git", strings.Replace(server.URL, "://", "://s3cret@", 1) + "/x.git"} {
		o := newOptions()
		o.dir = url
		_, err = o.clone(t.Context())
		assert.ErrorContains(t, err, "/x.git")
		assert.Assert(t, !strings.Contains(err.Error(), "s3cret"), "%v", err)
	}
}
