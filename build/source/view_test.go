package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"gotest.tools/v3/assert"
)

var walkTree = tree{
	"a/b/c/d": "1", "a/b/e": "2", "a/f": "3", "a-b/x": "4", "a.b": "5", "b": "6",
	"c/": "", "l": "-> a/b", "z/1": "7", "z/2": "8", "z/3": "9",
}

// trace notes every call of a walk, and answers those for stop with answer.
func trace(t *testing.T, files fsutil.FS, target, stop string, answer error) ([]string, error) {
	t.Helper()
	var calls []string
	err := files.Walk(t.Context(), target, func(path string, d fs.DirEntry, err error) error {
		call := path
		switch {
		case err != nil:
			call = "error: " + path
		case d != nil:
			info, infoErr := d.Info()
			assert.NilError(t, infoErr)
			stat := info.Sys().(*types.Stat)
			call = fmt.Sprint(path, " ", d.Name(), " ", d.IsDir(), " ", info.Mode(), " ", info.Size(), " ", stat.Linkname, " ", info.ModTime().UnixNano())
		}
		calls = append(calls, call)
		if path == stop {
			return answer
		}
		return err
	})
	return calls, err
}

func TestAWalkOfAViewIsAWalkOfTheDirectory(t *testing.T) {
	t.Parallel()
	dir := walkTree.make(t)
	disk, err := fsutil.NewFS(dir)
	assert.NilError(t, err)
	view := read(t, dir).View(unheard)
	broken := errors.New("broken")
	for _, target := range []string{"", "/", ".", "a", "/a", "a/", "a/b", "./a/b", "a/b/c/d", "b", "c", "l", "z", "missing", "a/missing", "b/below a file"} {
		for _, stop := range append([]string{"nowhere"}, walked(t, dir)...) {
			for _, answer := range []error{filepath.SkipDir, filepath.SkipAll, broken} {
				want, wantErr := trace(t, disk, target, filepath.FromSlash(stop), answer)
				got, gotErr := trace(t, view, target, filepath.FromSlash(stop), answer)
				assert.DeepEqual(t, got, want)
				assert.Equal(t, errors.Is(gotErr, broken), errors.Is(wantErr, broken))
				assert.Equal(t, gotErr == nil, wantErr == nil, "target %q, %v at %q: %v, want %v", target, answer, stop, gotErr, wantErr)
			}
		}
	}
	assert.NilError(t, view.Err(), "a walk that was stopped is no failure of the view")
}

func TestAWalkOfAViewReportsAMissingTargetAsTheDiskDoes(t *testing.T) {
	t.Parallel()
	view := read(t, walkTree.make(t)).View(unheard)
	// "l" is a link: the disk would follow it, but what is behind it has another name in the snapshot.
	for _, target := range []string{"missing", "a/missing", "l/c", "b/below a file"} {
		var got error
		assert.NilError(t, view.Walk(t.Context(), target, func(_ string, d fs.DirEntry, err error) error {
			assert.Assert(t, d == nil)
			got = err
			return err
		}))
		assert.ErrorIs(t, got, fs.ErrNotExist, target)
	}
}

func TestAWalkOfAViewEndsWithItsContext(t *testing.T) {
	t.Parallel()
	view := read(t, walkTree.make(t)).View(unheard)
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	calls := 0
	err := view.Walk(ctx, "", func(string, fs.DirEntry, error) error { calls++; cancel(why); return nil })
	assert.ErrorIs(t, err, why)
	assert.Equal(t, calls, 1)
}

func TestAViewSeesTheSnapshotAndNotTheDisk(t *testing.T) {
	t.Parallel()
	dir := tree{"a": "1"}.make(t)
	view := read(t, dir).View(unheard)
	write(t, filepath.Join(dir, "later"), "x")
	assert.DeepEqual(t, paths(t, view, ""), []string{"a"})
	_, err := send(t, view, "later")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorIs(t, view.Err(), fs.ErrNotExist)
}

func TestAnEngineCannotChangeASnapshotThroughAView(t *testing.T) {
	t.Parallel()
	s := read(t, tree{"a": "1"}.make(t))
	before := s.Fingerprint()
	assert.NilError(t, s.View(unheard).Walk(t.Context(), "", func(_ string, d fs.DirEntry, _ error) error {
		info, err := d.Info()
		assert.NilError(t, err)
		stat := info.Sys().(*types.Stat)
		stat.Path, stat.Mode, stat.Size = "other", 0, 99
		return nil
	}))
	assert.Equal(t, s.Fingerprint(), before)
}

func TestLinksAreFollowedOverAViewAsOnDisk(t *testing.T) {
	t.Parallel()
	dir := tree{
		"real/dir/file": "1", "one": "-> real", "two": "-> one/dir", "absolute": "-> /real/dir", "up": "-> ../../real",
		"loop": "-> loop", "dangling": "-> nowhere", "w1.txt": "-> real/dir/file", "w2.txt": "2",
	}.make(t)
	disk, err := fsutil.NewFS(dir)
	assert.NilError(t, err)
	view := read(t, dir).View(unheard)
	for _, asked := range []string{"one", "two", "two/file", "absolute/file", "up/dir", "loop", "dangling", "*.txt", "missing", "real/dir", "."} {
		want, wantErr := fsutil.FollowLinks(disk, []string{asked})
		got, gotErr := fsutil.FollowLinks(view, []string{asked})
		assert.DeepEqual(t, got, want)
		assert.Equal(t, gotErr == nil, wantErr == nil, asked)
	}
	got, err := fsutil.FollowLinks(view, []string{"two/file"})
	assert.NilError(t, err)
	assert.DeepEqual(t, got, []string{"one", "real/dir/file", "two"})
}

func TestAFilterOverAViewIsAFilterOverTheDirectory(t *testing.T) {
	t.Parallel()
	dir := walkTree.make(t)
	disk, err := fsutil.NewFS(dir)
	assert.NilError(t, err)
	view := read(t, dir).View(unheard)
	for _, opt := range []fsutil.FilterOpt{
		{IncludePatterns: []string{"a/b"}},
		{IncludePatterns: []string{"**/e", "z/*"}},
		{IncludePatterns: []string{"missing"}},
		{ExcludePatterns: []string{"a", "!a/b/e"}},
		{FollowPaths: []string{"l"}},
		{FollowPaths: []string{"l/e", "b"}},
	} {
		onDisk, err := fsutil.NewFilterFS(disk, &opt)
		assert.NilError(t, err)
		onView, err := fsutil.NewFilterFS(view, &opt)
		assert.NilError(t, err)
		assert.DeepEqual(t, paths(t, onView, ""), paths(t, onDisk, ""))
	}
}

func TestIgnoreRules(t *testing.T) {
	t.Parallel()
	dir := tree{
		"Dockerfile": "", "README.md": "", "src/main.go": "", "src/a.log": "", "node_modules/x/y.js": "", "node_modules/keep/z.js": "",
		"secret": "", "d/secret": "", "d/e/secret": "", "d/e/f": "",
	}.make(t)
	all := walked(t, dir)
	for _, c := range []struct {
		name    string
		exclude []string
		gone    []string
	}{
		{"nothing", nil, nil},
		{"one file", []string{"secret"}, []string{"secret"}},
		{"a file anywhere", []string{"**/secret"}, []string{"secret", "d/secret", "d/e/secret"}},
		{"a directory", []string{"d"}, []string{"d", "d/secret", "d/e", "d/e/secret", "d/e/f"}},
		{"a wildcard", []string{"src/*.log"}, []string{"src/a.log"}},
		{"an exception", []string{"*.md", "!README.md"}, nil},
		{"the order counts", []string{"!README.md", "*.md"}, []string{"README.md"}},
		{"an exception below", []string{"node_modules", "!node_modules/keep"}, []string{"node_modules/x", "node_modules/x/y.js"}},
		{"an exception anywhere", []string{"d", "!**/f"}, []string{"d/secret", "d/e/secret"}},
		{"everything but", []string{"*", "!src/main.go"}, without(without(all, "src"), "src/main.go")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := slices.DeleteFunc(slices.Clone(all), func(p string) bool { return slices.Contains(c.gone, p) })
			view := read(t, dir, c.exclude...).View(unheard)
			assert.DeepEqual(t, paths(t, view, ""), want)
			for _, path := range c.gone {
				_, err := send(t, view, path)
				assert.ErrorIs(t, err, fs.ErrNotExist, "an ignored file can be asked for by name: %s", path)
			}
		})
	}
}

func TestSentNamesWhatWasSentToItsEndToThatNode(t *testing.T) {
	t.Parallel()
	s := read(t, tree{"b": "12", "a": "345", "c": "6", "empty": ""}.make(t))
	one, other := s.View(unheard), s.View(unheard)
	for _, path := range []string{"b", "/a", "empty", "b"} {
		_, err := send(t, one, path)
		assert.NilError(t, err)
	}
	f, err := other.Open("c")
	assert.NilError(t, err)
	assert.NilError(t, f.Close())

	sent, bytes := one.Sent()
	assert.DeepEqual(t, sent, []string{"a", "b", "empty"})
	assert.Equal(t, bytes, int64(5))
	sent, bytes = other.Sent()
	assert.Equal(t, len(sent), 0)
	assert.Equal(t, bytes, int64(0))
	assert.DeepEqual(t, s.sent.used(), []string{"a", "b", "empty"})
	assert.NilError(t, one.Err())
	assert.NilError(t, other.Err())
}
