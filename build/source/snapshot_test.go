//go:build !windows

package source

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"gotest.tools/v3/assert"
)

func TestReadFindsEverythingInTheOrderOfAWalk(t *testing.T) {
	t.Parallel()
	dir := tree{
		"Dockerfile": "FROM scratch", "a/b/c": "1", "a/b.txt": "2", "a-b": "3", "a.d/x": "4", "a0": "5", "empty/": "",
		"ä/ö": "6", "Ω": "7", ".hidden/x": "8", "link": "-> a/b", "dangling": "-> nowhere", "out": "-> /etc/passwd", "sp ace/new\nline": "9",
	}.make(t)
	assert.DeepEqual(t, paths(t, read(t, dir).View(unheard), ""), walked(t, dir))
}

func TestReadOfAnEmptyDirectory(t *testing.T) {
	t.Parallel()
	s := read(t, t.TempDir())
	assert.DeepEqual(t, paths(t, s.View(unheard), ""), []string{})
	entries, bytes := s.Size()
	assert.Equal(t, entries, 0)
	assert.Equal(t, bytes, int64(0))
	assert.NilError(t, s.Verify())
}

func TestReadRefusesWhatIsNoDirectory(t *testing.T) {
	t.Parallel()
	dir := tree{"file": "x"}.make(t)
	for _, name := range []string{"file", "missing"} {
		_, err := Read(t.Context(), filepath.Join(dir, name), nil)
		assert.ErrorContains(t, err, "opening build context")
	}
}

func TestReadRefusesAnIgnorePatternThatCannotBeUnderstood(t *testing.T) {
	t.Parallel()
	_, err := Read(t.Context(), t.TempDir(), []string{"[a-"})
	assert.ErrorContains(t, err, "ignore file")
}

func TestReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Read(ctx, tree{"a": "x"}.make(t), nil)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestReadFollowsALinkToTheBuildContextItself(t *testing.T) {
	t.Parallel()
	dir := tree{"real/a": "x", "link": "-> real"}.make(t)
	s := read(t, filepath.Join(dir, "link"))
	assert.DeepEqual(t, paths(t, s.View(unheard), ""), []string{"a"})
	text, err := send(t, s.View(unheard), "a")
	assert.NilError(t, err)
	assert.Equal(t, text, "x")
}

func TestReadLeavesSocketsAndPipesOutAndListsThem(t *testing.T) {
	t.Parallel()
	// A socket's path is limited to about 100 characters.
	dir, err := os.MkdirTemp("", "s")
	assert.NilError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	tree{"a": "1", "d/b": "2", "z": "3"}.in(t, dir)
	assert.NilError(t, syscall.Mkfifo(filepath.Join(dir, "d/a.pipe"), 0o644))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, "d/c.sock"))
	assert.NilError(t, err)
	defer listener.Close()

	s := read(t, dir)
	assert.DeepEqual(t, s.Special, []string{"d/a.pipe", "d/c.sock"})
	assert.DeepEqual(t, paths(t, s.View(unheard), ""), []string{"a", "d", "d/b", "z"})
}

func TestReadDoesNotListSpecialFilesThatTheIgnoreFileRulesOut(t *testing.T) {
	t.Parallel()
	dir := tree{"a": "1", "run/": ""}.make(t)
	assert.NilError(t, syscall.Mkfifo(filepath.Join(dir, "run/pipe"), 0o644))
	assert.Equal(t, len(read(t, dir, "run").Special), 0)
	assert.Equal(t, len(read(t, dir, "run/*").Special), 0, "nobody wanted it sent")
}

func TestReadForgetsWhoOwnsAFile(t *testing.T) {
	t.Parallel()
	dir := tree{"a": "1"}.make(t)
	if os.Getuid() == 0 {
		assert.NilError(t, os.Chown(filepath.Join(dir, "a"), 12, 34))
	}
	assert.NilError(t, read(t, dir).View(unheard).Walk(t.Context(), "", func(_ string, d fs.DirEntry, err error) error {
		info, infoErr := d.Info()
		stat := info.Sys().(*types.Stat)
		assert.Equal(t, stat.Uid, uint32(0))
		assert.Equal(t, stat.Gid, uint32(0))
		return errors.Join(err, infoErr)
	}))
}

func TestReadReportsAFileThatVanishesDuringTheWalk(t *testing.T) {
	t.Parallel()
	dir := tree{"a": "1", "b": "2", "c": "3"}.make(t)
	disk, err := fsutil.NewFS(dir)
	assert.NilError(t, err)
	for _, c := range []struct {
		name string
		walk func(fs.WalkDirFunc) error
	}{
		{"when it is looked at", func(fn fs.WalkDirFunc) error {
			return disk.Walk(t.Context(), "", func(path string, d fs.DirEntry, err error) error {
				if path == "b" {
					assert.NilError(t, os.Remove(filepath.Join(dir, "b")))
				}
				return fn(path, d, err)
			})
		}},
		{"when its directory is listed", func(fn fs.WalkDirFunc) error {
			return fn("b", nil, &fs.PathError{Op: "lstat", Path: "b", Err: syscall.ENOENT})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			walk := &strictWalk{FS: stubFS{walk: c.walk}, unreadable: map[string]error{}}
			filtered, err := fsutil.NewFilterFS(walk, &fsutil.FilterOpt{ExcludePatterns: []string{"x"}})
			assert.NilError(t, err)
			var seen []string
			err = filtered.Walk(t.Context(), "", func(path string, _ fs.DirEntry, err error) error {
				seen = append(seen, path)
				return err
			})
			assert.ErrorContains(t, err, `"b" changed during the build`)
			assert.ErrorIs(t, err, ErrChanged)
			assert.Assert(t, !errors.Is(err, fs.ErrNotExist), "fsutil would take that for: skip the siblings")
		})
	}
}

func TestReadReportsAnyOtherFailureOfTheWalk(t *testing.T) {
	t.Parallel()
	walk := &strictWalk{unreadable: map[string]error{}, FS: stubFS{walk: func(fn fs.WalkDirFunc) error {
		return fn("d", nil, &fs.PathError{Op: "open", Path: "d", Err: syscall.EIO})
	}}}
	err := walk.Walk(t.Context(), "", func(string, fs.DirEntry, error) error { return nil })
	assert.ErrorContains(t, err, `reading "d"`)
	assert.ErrorContains(t, err, "input/output error")
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	base := tree{"a": "one", "d/b": "two", "link": "-> a", "e/": ""}
	for _, c := range []struct {
		name   string
		change func(dir string) error
		same   bool
	}{
		{"nothing", func(string) error { return nil }, true},
		{"a time", func(dir string) error { return os.Chtimes(filepath.Join(dir, "a"), time.Unix(1, 0), time.Unix(1, 0)) }, true},
		{"an ignored file", func(dir string) error { return os.WriteFile(filepath.Join(dir, "ignored"), []byte("x"), 0o600) }, true},
		{"content of the same size", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a"), []byte("uno"), 0o600) }, true},
		{"a size", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a"), []byte("uno!"), 0o600) }, false},
		{"a mode", func(dir string) error { return os.Chmod(filepath.Join(dir, "a"), 0o755) }, false},
		{"a directory's mode", func(dir string) error { return os.Chmod(filepath.Join(dir, "d"), 0o700) }, false},
		{"a name", func(dir string) error { return os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "A")) }, false},
		{"a file more", func(dir string) error { return os.WriteFile(filepath.Join(dir, "z"), nil, 0o600) }, false},
		{"a file less", func(dir string) error { return os.Remove(filepath.Join(dir, "d/b")) }, false},
		{"an empty directory less", func(dir string) error { return os.Remove(filepath.Join(dir, "e")) }, false},
		{"a link's target", func(dir string) error {
			link := filepath.Join(dir, "link")
			return errors.Join(os.Remove(link), os.Symlink("d", link))
		}, false},
		{"a link becomes a file", func(dir string) error {
			link := filepath.Join(dir, "link")
			return errors.Join(os.Remove(link), os.WriteFile(link, []byte("a"), 0o600))
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := base.make(t)
			before := read(t, dir, "ignored").Fingerprint()
			assert.NilError(t, before.Validate())
			assert.NilError(t, c.change(dir))
			assert.Equal(t, read(t, dir, "ignored").Fingerprint() == before, c.same)
		})
	}
}

func TestFingerprintDoesNotDependOnWhereTheDirectoryIs(t *testing.T) {
	t.Parallel()
	tr := tree{"a": "one", "d/b": "two", "link": "-> a"}
	assert.Equal(t, read(t, tr.make(t)).Fingerprint(), read(t, tr.make(t)).Fingerprint())
}

func TestFingerprintIsNotFooledByNamesThatLookLikeEntries(t *testing.T) {
	t.Parallel()
	one := read(t, tree{"a\" 0 0 \"\"\n\"b": ""}.make(t))
	two := read(t, tree{"a": "", "b": ""}.make(t))
	assert.Assert(t, one.Fingerprint() != two.Fingerprint())
}

func TestSizeCountsTheBytesOfFilesAlone(t *testing.T) {
	t.Parallel()
	entries, bytes := read(t, tree{"a": "12345", "d/b": "123", "link": "-> a", "x": "ignored"}.make(t), "x").Size()
	assert.Equal(t, entries, 4)
	assert.Equal(t, bytes, int64(8))
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(dir string) error
		want   string
	}{
		{"nothing", func(string) error { return nil }, ""},
		{"what was not sent", func(dir string) error { return os.WriteFile(filepath.Join(dir, "other"), []byte("longer"), 0o600) }, ""},
		{"a new file", func(dir string) error { return os.WriteFile(filepath.Join(dir, "new"), nil, 0o600) }, ""},
		{"size", func(dir string) error { return os.WriteFile(filepath.Join(dir, "d/sent"), []byte("longer"), 0o600) }, "6 bytes, was 4"},
		{"time", func(dir string) error {
			return os.Chtimes(filepath.Join(dir, "d/sent"), time.Unix(1, 0), time.Unix(1, 0))
		}, "modified"},
		{"gone", func(dir string) error { return os.Remove(filepath.Join(dir, "d/sent")) }, ""},
		{"its directory is gone", func(dir string) error { return os.RemoveAll(filepath.Join(dir, "d")) }, ""},
		{"a link in its place", func(dir string) error {
			sent := filepath.Join(dir, "d/sent")
			return errors.Join(os.Rename(sent, filepath.Join(dir, "moved")), os.Symlink("../moved", sent))
		}, "no longer a regular file"},
		{"a directory in its place", func(dir string) error {
			sent := filepath.Join(dir, "d/sent")
			return errors.Join(os.Remove(sent), os.Mkdir(sent, 0o755))
		}, "no longer a regular file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := tree{"d/sent": "text", "other": "x"}.make(t)
			s := read(t, dir)
			_, err := send(t, s.View(unheard), "d/sent")
			assert.NilError(t, err)
			assert.DeepEqual(t, s.sent.used(), []string{"d/sent"})
			assert.NilError(t, c.change(dir))
			err = s.Verify()
			if slices.Contains([]string{"nothing", "what was not sent", "a new file"}, c.name) {
				assert.NilError(t, err)
				return
			}
			assert.ErrorIs(t, err, ErrChanged)
			assert.ErrorContains(t, err, `"d/sent"`)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestVerifyAsksForNothingThatWasNotSent(t *testing.T) {
	t.Parallel()
	dir := tree{"a": "x"}.make(t)
	s := read(t, dir)
	assert.NilError(t, os.RemoveAll(dir))
	assert.NilError(t, s.Verify())
	assert.Equal(t, len(s.sent.used()), 0)
}

// A name that gRPC can't carry is an error that says which, unless it is ignored.
func TestANameThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	assert.NilError(t, os.WriteFile(filepath.Join(dir, "a\xff"), nil, 0o600))
	_, err := Read(t.Context(), dir, nil)
	assert.ErrorIs(t, err, ErrName)
	assert.ErrorContains(t, err, `"a\xff"`)
	s, err := Read(t.Context(), dir, []string{"a*"})
	assert.NilError(t, err)
	assert.NilError(t, s.Close())
}
