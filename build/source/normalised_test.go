package source

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// at gives files times of their own.
func at(t *testing.T, dir string, times map[string]time.Time) {
	t.Helper()
	for path, when := range times {
		assert.NilError(t, os.Chtimes(filepath.Join(dir, path), when, when))
	}
}

func TestFilesWithWholeSecondsAreInTheKeyAndOthersNot(t *testing.T) {
	t.Parallel()
	whole, real := time.Unix(1_700_000_000, 0), time.Unix(1_700_000_000, 123_456_789)
	key := func(tr tree, times map[string]time.Time) string {
		dir := tr.make(t)
		at(t, dir, times)
		key, err := read(t, dir).ContentKey(t.Context())
		assert.NilError(t, err)
		return key
	}
	some := map[string]time.Time{"a": whole, "d/b": real}
	base := key(tree{"a": "1", "d/b": "2"}, some)
	assert.Assert(t, base != "")
	assert.Assert(t, key(tree{"a": "x", "d/b": "2"}, some) != base)
	assert.Equal(t, key(tree{"a": "1", "d/b": "y"}, some), base, "its time shows a change")
	assert.Assert(t, key(tree{"a": "1", "d/b": "2"}, map[string]time.Time{"a": time.Unix(0, 0), "d/b": real}) != "", "the epoch")
	assert.Equal(t, key(tree{"a": "1", "d/b": "2"}, map[string]time.Time{"a": real, "d/b": real, "d": whole}), "", "a directory's does not count")
	assert.Equal(t, key(tree{}, nil), "")
}

func TestContentKeyFollowsTheContentAndNotTheTime(t *testing.T) {
	t.Parallel()
	key := func(tr tree, when time.Time) string {
		dir := tr.make(t)
		times := map[string]time.Time{}
		for path := range tr {
			times[path] = when
		}
		at(t, dir, times)
		key, err := read(t, dir, "ignored").ContentKey(t.Context())
		assert.NilError(t, err)
		assert.Assert(t, key != "")
		return key
	}
	now := time.Unix(1_700_000_000, 0)
	base := key(tree{"a": "1", "b": "2", "ignored": "x"}, now)
	assert.Equal(t, key(tree{"a": "1", "b": "2", "ignored": "y"}, now.Add(time.Hour)), base)
	for name, other := range map[string]tree{
		"content": {"a": "2", "b": "2"}, "a name": {"a": "1", "c": "2"}, "a file more": {"a": "1", "b": "2", "c": ""}, "where one file ends": {"a": "12", "b": ""},
	} {
		assert.Assert(t, key(other, now) != base, name)
	}
}

func TestContentKeyOfAFileThatChanged(t *testing.T) {
	t.Parallel()
	dir := tree{"a": "1"}.make(t)
	at(t, dir, map[string]time.Time{"a": time.Unix(0, 0)})
	s := read(t, dir)
	write(t, filepath.Join(dir, "a"), "longer")
	_, err := s.ContentKey(t.Context())
	assert.ErrorIs(t, err, ErrChanged)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.ContentKey(ctx)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestWithoutAppliesTheIgnoreFileOfOneDockerfile(t *testing.T) {
	t.Parallel()
	dir := tree{"a": "1", "b": "2", "d/c": "3"}.make(t)
	v := read(t, dir).View(unheard)
	for _, c := range []struct{ exclude, want []string }{
		{nil, []string{"a", "b", "d", "d/c"}},
		{[]string{"b", "d"}, []string{"a"}},
		{[]string{"*", "!d/c"}, []string{"d", "d/c"}},
	} {
		files, err := v.Without(c.exclude)
		assert.NilError(t, err)
		assert.DeepEqual(t, paths(t, files, ""), c.want)
	}
	files, err := v.Without([]string{"b"})
	assert.NilError(t, err)
	_, err = files.Open("b")
	assert.ErrorIs(t, err, os.ErrNotExist, "an ignored file can be asked for by name")
	_, err = v.Without([]string{"[a-"})
	assert.Assert(t, err != nil)
}

func TestADockerfileThatIsInNoFile(t *testing.T) {
	t.Parallel()
	dir := tree{".dockerignore": "a", "Dockerfile": "FROM the-file", "Dockerfile.dockerignore": "b"}.make(t)
	d, err := NewDockerfile([]byte("FROM stdin"), dir)
	assert.NilError(t, err)
	assert.Equal(t, string(d.Content), "FROM stdin")
	assert.DeepEqual(t, d.Exclude, []string{"a"})
	assert.DeepEqual(t, paths(t, d.FS(), ""), []string{"Dockerfile"})
	_, err = NewDockerfile(nil, filepath.Join(dir, "nowhere"))
	assert.ErrorContains(t, err, "opening build context")
}
