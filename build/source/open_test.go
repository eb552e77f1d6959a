//go:build !windows

package source

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"gotest.tools/v3/assert"
)

func TestOpenReadsTheFile(t *testing.T) {
	t.Parallel()
	big := string(bytes.Repeat([]byte("0123456789abcdef"), 40_000))
	v := read(t, tree{"empty": "", "d/small": "x", "big": big}.make(t)).View(unheard)
	for path, want := range map[string]string{"empty": "", "d/small": "x", "/d/small": "x", "./d/../d/small": "x", "big": big} {
		text, err := send(t, v, path)
		assert.NilError(t, err, path)
		assert.Assert(t, text == want, path)
	}
	assert.NilError(t, v.Err())
}

// TestAFileThatChangedSinceTheWalkIsNotSent changes a file in every way there
// is, after the walk and before it is opened.
func TestAFileThatChangedSinceTheWalkIsNotSent(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(tree{"passwd": "1234"}.make(t), "passwd")
	for _, c := range []struct {
		name, want string
		change     func(t *testing.T, dir, path string)
	}{
		{"grown", "8 bytes, was 4", func(t *testing.T, _, path string) { write(t, path, "12345678") }},
		{"shrunk", "2 bytes, was 4", func(t *testing.T, _, path string) { write(t, path, "12") }},
		{"emptied", "0 bytes, was 4", func(t *testing.T, _, path string) { write(t, path, "") }},
		{"touched", "modified", func(t *testing.T, _, path string) { chtime(t, path, time.Second) }},
		{"touched, back in time", "modified", func(t *testing.T, _, path string) { chtime(t, path, -time.Nanosecond) }},
		{"other content, same size", "modified", func(t *testing.T, _, path string) { write(t, path, "4321"); chtime(t, path, time.Second) }},
		{"deleted", "no such file", func(t *testing.T, _, path string) { assert.NilError(t, os.Remove(path)) }},
		{"its directory deleted", "no such file", func(t *testing.T, dir, _ string) { assert.NilError(t, os.RemoveAll(filepath.Join(dir, "d"))) }},
		{"replaced by a directory", "no longer a regular file", func(t *testing.T, _, path string) {
			assert.NilError(t, os.Remove(path))
			assert.NilError(t, os.Mkdir(path, 0o755))
		}},
		{"replaced by a pipe", "no longer a regular file", func(t *testing.T, _, path string) {
			assert.NilError(t, os.Remove(path))
			assert.NilError(t, syscall.Mkfifo(path, 0o644))
		}},
		{"replaced by a link out of the build context", "", func(t *testing.T, _, path string) {
			assert.NilError(t, os.Remove(path))
			assert.NilError(t, os.Symlink(outside, path))
		}},
		{"replaced by a link to another file of it", "", func(t *testing.T, _, path string) {
			assert.NilError(t, os.Remove(path))
			assert.NilError(t, os.Symlink("../other", path))
		}},
		{"replaced by a dangling link", "", func(t *testing.T, _, path string) {
			assert.NilError(t, os.Remove(path))
			assert.NilError(t, os.Symlink("nowhere", path))
		}},
		{"replaced by a link to itself", "", func(t *testing.T, _, path string) {
			assert.NilError(t, os.Remove(path))
			assert.NilError(t, os.Symlink("file", path))
		}},
		{"its directory replaced by a file", "", func(t *testing.T, dir, _ string) {
			assert.NilError(t, os.RemoveAll(filepath.Join(dir, "d")))
			write(t, filepath.Join(dir, "d"), "x")
		}},
		{"its directory replaced by a link out of the build context", "", func(t *testing.T, dir, _ string) {
			assert.NilError(t, os.RemoveAll(filepath.Join(dir, "d")))
			assert.NilError(t, os.Symlink(filepath.Dir(outside), filepath.Join(dir, "d")))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := tree{"d/file": "1234", "other": "x"}.make(t)
			s := read(t, dir)
			c.change(t, dir, filepath.Join(dir, "d/file"))
			v := s.View(unheard)
			text, err := send(t, v, "d/file")
			assert.Equal(t, text, "", "nothing of it may be sent")
			assert.ErrorIs(t, err, ErrChanged)
			assert.ErrorContains(t, err, `"d/file"`)
			assert.ErrorContains(t, err, c.want)
			assert.ErrorIs(t, v.Err(), ErrChanged)
			sent, _ := v.Sent()
			assert.Equal(t, len(sent)+len(s.sent.used()), 0)
		})
	}
}

// TestAFileThatChangesWhileItIsSentIsNotTakenForSent changes a file after half
// of it was read.
func TestAFileThatChangesWhileItIsSentIsNotTakenForSent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		change     func(t *testing.T, path string)
	}{
		{"grows", "it grew while being sent", func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			assert.NilError(t, err)
			_, err = f.WriteString("more")
			assert.NilError(t, err)
			assert.NilError(t, f.Close())
		}},
		{"grows and its time is set back", "it grew while being sent", func(t *testing.T, path string) {
			keepTime(t, path, func() { write(t, path, "12345678 and more") })
		}},
		{"shrinks", "it shrank from 8 to 5 bytes", func(t *testing.T, path string) { assert.NilError(t, os.Truncate(path, 5)) }},
		{"shrinks to less than was read", "it shrank from 8 to 4 bytes", func(t *testing.T, path string) { assert.NilError(t, os.Truncate(path, 1)) }},
		{"is rewritten", "modified", func(t *testing.T, path string) { write(t, path, "87654321"); chtime(t, path, time.Second) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := tree{"file": "12345678"}.make(t)
			s := read(t, dir)
			v := s.View(unheard)
			f, err := v.Open("file")
			assert.NilError(t, err)
			defer f.Close()
			_, err = io.ReadFull(f, make([]byte, 4))
			assert.NilError(t, err)
			c.change(t, filepath.Join(dir, "file"))
			_, err = io.ReadAll(f)
			assert.ErrorIs(t, err, ErrChanged)
			assert.ErrorContains(t, err, `"file"`)
			assert.ErrorContains(t, err, c.want)
			assert.ErrorIs(t, v.Err(), ErrChanged)
			assert.Equal(t, len(s.sent.used()), 0)
		})
	}
}

// TestAFileThatIsReplacedWhileItIsOpenHasChanged: an editor that writes a new file
// and renames it leaves the open one whole, but it is no longer the build context's.
func TestAFileThatIsReplacedWhileItIsOpenHasChanged(t *testing.T) {
	t.Parallel()
	dir := tree{"file": "12345678"}.make(t)
	s := read(t, dir)
	f, err := s.View(unheard).Open("file")
	assert.NilError(t, err)
	defer f.Close()
	write(t, filepath.Join(dir, "new"), "replaced")
	chtime(t, filepath.Join(dir, "new"), time.Second)
	assert.NilError(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "file")))
	_, err = io.ReadAll(f)
	assert.ErrorIs(t, err, ErrChanged)
}

func TestTwoNodesThatWouldBeSentDifferentContent(t *testing.T) {
	t.Parallel()
	dir := tree{"file": "12345678", "other": "x"}.make(t)
	path := filepath.Join(dir, "file")
	s := read(t, dir)
	first, second, third := s.View(unheard), s.View(unheard), s.View(unheard)
	_, err := send(t, first, "file")
	assert.NilError(t, err)

	// Neither size nor time tell: only the content does.
	keepTime(t, path, func() { write(t, path, "87654321") })
	_, err = send(t, second, "file")
	assert.ErrorIs(t, err, ErrChanged)
	assert.ErrorContains(t, err, `"file"`)
	assert.ErrorContains(t, err, "its time was put back")
	assert.ErrorIs(t, second.Err(), ErrChanged)
	assert.NilError(t, first.Err(), "it was sent what it was meant to")

	// The failure is that file's and that node's alone.
	_, err = send(t, third, "other")
	assert.NilError(t, err)
}

func TestManyNodesReadOneSnapshotAtOnce(t *testing.T) {
	t.Parallel()
	files := tree{"a": "1", "b/c": "22", "b/d": "333", "e": ""}
	dir := files.make(t)
	s := read(t, dir)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			v := s.View(unheard)
			for path, want := range files {
				f, err := v.Open(path)
				if !assert.Check(t, err) {
					return
				}
				text, err := io.ReadAll(f)
				assert.Check(t, err)
				assert.Check(t, f.Close())
				assert.Check(t, string(text) == want)
			}
			_, bytes := v.Sent()
			assert.Check(t, bytes == 6)
		})
	}
	wg.Wait()
	assert.NilError(t, s.Verify())
}

func TestAViewKeepsItsFirstFailure(t *testing.T) {
	t.Parallel()
	dir := tree{"a": "1", "b": "2"}.make(t)
	var heard []error
	v := read(t, dir).View(func(err error) { heard = append(heard, err) })
	write(t, filepath.Join(dir, "a"), "longer")
	assert.NilError(t, os.Remove(filepath.Join(dir, "b")))
	for _, path := range []string{"a", "b"} {
		_, err := send(t, v, path)
		assert.ErrorIs(t, err, ErrChanged)
	}
	assert.ErrorContains(t, v.Err(), `"a"`)
	assert.Equal(t, len(heard), 1)
	assert.ErrorIs(t, heard[0], v.Err())
}

func TestWhatIsNoFileCannotBeOpened(t *testing.T) {
	t.Parallel()
	v := read(t, tree{"d/a": "1"}.make(t)).View(unheard)
	for _, path := range []string{"missing", "d", "", "/", "..", "../../etc/passwd", "/etc/passwd"} {
		text, err := send(t, v, path)
		assert.Assert(t, err != nil, path)
		assert.Equal(t, text, "", path)
	}
}

func TestAHardLinkIsSentLikeAnyFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		exclude []string
	}{
		{"both names", nil},
		{"the first name is ignored", []string{"a"}},
		{"the first name is ignored, with its directory walked", []string{"*", "!b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := tree{"a": "1234"}.make(t)
			assert.NilError(t, os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
			s := read(t, dir, c.exclude...)
			v := s.View(unheard)
			text, err := send(t, v, "b")
			assert.NilError(t, err)
			assert.Equal(t, text, "1234")
			assert.NilError(t, s.Verify())

			chtime(t, filepath.Join(dir, "a"), time.Second)
			assert.ErrorIs(t, s.Verify(), ErrChanged)
			_, err = send(t, v, "b")
			assert.ErrorIs(t, err, ErrChanged)
		})
	}
}

// TestAFileWhoseTimeWasPutBackHasChangedAllTheSame: size and time are what they
// were, and half of the content is new.
func TestAFileWhoseTimeWasPutBackHasChangedAllTheSame(t *testing.T) {
	t.Parallel()
	dir := tree{"file": "aaaaaaaa"}.make(t)
	s := read(t, dir)
	f, err := s.View(unheard).Open("file")
	assert.NilError(t, err)
	defer f.Close()
	_, err = io.ReadFull(f, make([]byte, 4))
	assert.NilError(t, err)
	path := filepath.Join(dir, "file")
	before, err := os.Stat(path)
	assert.NilError(t, err)
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	assert.NilError(t, err)
	_, err = w.WriteString("bbbbbbbb")
	assert.NilError(t, err)
	assert.NilError(t, w.Close())
	assert.NilError(t, os.Chtimes(path, before.ModTime(), before.ModTime()))
	_, err = io.ReadAll(f)
	assert.ErrorIs(t, err, ErrChanged)
}

// TestAFileThatANodeHadAlreadyMustStillBeWhatItWas: it was announced, not sent.
func TestAFileThatANodeHadAlreadyMustStillBeWhatItWas(t *testing.T) {
	t.Parallel()
	dir := tree{"used": "1", "unused": "1"}.make(t)
	s := read(t, dir)
	v := s.View(unheard)
	// BuildKit has a filter of its own below the one with the engine's patterns.
	files, err := fsutil.NewFilterFS(v, &fsutil.FilterOpt{Map: func(string, *types.Stat) fsutil.MapResult { return fsutil.MapResultKeep }})
	assert.NilError(t, err)
	files, err = fsutil.NewFilterFS(files, &fsutil.FilterOpt{IncludePatterns: []string{"used"}, Map: v.Used})
	assert.NilError(t, err)
	assert.NilError(t, files.Walk(t.Context(), "", func(string, fs.DirEntry, error) error { return nil }))
	write(t, filepath.Join(dir, "unused"), "22")
	assert.NilError(t, s.Verify())
	write(t, filepath.Join(dir, "used"), "22")
	err = s.Verify()
	assert.ErrorIs(t, err, ErrChanged)
	assert.ErrorContains(t, err, `"used"`)
}

// TestThePathThatWasSentTwiceMustHaveHadTheSameContent: whatever else was missed.
func TestThePathThatWasSentTwiceMustHaveHadTheSameContent(t *testing.T) {
	t.Parallel()
	l := newLedger()
	assert.NilError(t, l.record("file", digest.FromString("a")))
	assert.NilError(t, l.record("file", digest.FromString("a")))
	err := l.record("file", digest.FromString("b"))
	assert.ErrorIs(t, err, ErrChanged)
	assert.ErrorContains(t, err, "different content")
}

// TestAFileWhoseTimeWasPutBackBeforeItWasSent: a node that has it already is not
// sent it, and would keep the old bytes.
func TestAFileWhoseTimeWasPutBackBeforeItWasSent(t *testing.T) {
	t.Parallel()
	dir := tree{"file": "aaaa"}.make(t)
	path := filepath.Join(dir, "file")
	s := read(t, dir)
	before, err := os.Stat(path)
	assert.NilError(t, err)
	write(t, path, "bbbb")
	assert.NilError(t, os.Chtimes(path, before.ModTime(), before.ModTime()))
	_, err = s.View(unheard).Open("file")
	assert.NilError(t, err)
	s.sent.announce("file")
	assert.ErrorIs(t, s.Verify(), ErrChanged)
}
