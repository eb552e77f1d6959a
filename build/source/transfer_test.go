//go:build !windows

package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"
	"gotest.tools/v3/assert"
)

// stream is one end of a connection as BuildKit's session has it.
type stream struct {
	ctx   context.Context //nolint:containedctx // fsutil's interface wants it
	in    <-chan []byte
	out   chan<- []byte
	ended <-chan struct{} // closed when the other end is gone
}

func (s stream) Context() context.Context { return s.ctx }

func (s stream) SendMsg(m any) error {
	text, err := m.(*types.Packet).Marshal()
	if err != nil {
		return err
	}
	select {
	case s.out <- text:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func (s stream) RecvMsg(m any) error {
	select {
	case text := <-s.in:
		return m.(*types.Packet).Unmarshal(text)
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-s.ended:
	}
	select {
	case text := <-s.in:
		return m.(*types.Packet).Unmarshal(text)
	default:
		return io.EOF
	}
}

// transfer sends files the way BuildKit's session does and receives them in
// dest the way an engine does.
func transfer(ctx context.Context, t *testing.T, files fsutil.FS, dest string) error {
	t.Helper()
	group, ctx := errgroup.WithContext(ctx)
	here, there := make(chan []byte, 16), make(chan []byte, 16)
	sent, received := make(chan struct{}), make(chan struct{})
	group.Go(func() error {
		defer close(sent)
		return fsutil.Send(ctx, stream{ctx, here, there, received}, files, nil)
	})
	group.Go(func() error {
		defer close(received)
		return fsutil.Receive(ctx, stream{ctx, there, here, sent}, dest, fsutil.ReceiveOpt{Filter: func(_ string, s *types.Stat) bool {
			s.Uid, s.Gid = uint32(os.Getuid()), uint32(os.Getgid())
			return true
		}})
	})
	return group.Wait()
}

// describe tells all of a tree that a build can see: paths, modes, contents,
// times, link targets, and which names are one file.
func describe(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	first := map[uint64]string{}
	for _, path := range walked(t, dir) {
		full := filepath.Join(dir, path)
		info, err := os.Lstat(full)
		assert.NilError(t, err)
		line := fmt.Sprintf("%q %s", path, info.Mode())
		switch {
		case info.Mode().IsRegular():
			text, err := os.ReadFile(full)
			assert.NilError(t, err)
			line += fmt.Sprintf(" %x %d", text, info.ModTime().UnixNano())
			inode := info.Sys().(*syscall.Stat_t).Ino
			if other, ok := first[inode]; ok {
				line += " = " + other
			} else {
				first[inode] = path
			}
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(full)
			assert.NilError(t, err)
			line += " -> " + target
		}
		all = append(all, line)
	}
	return all
}

// names are parts of paths that are awkward to sort, to print or to match.
var names = []string{
	"a", "A", "a-b", "a.b", "a b", "ab", "0", ".hidden", "..data", "ä", "日本", "e\u0301", "é", "*", "[x]", "!x", "#x", "back\\slash",
	"new\nline", "quo\"te", "Dockerfile", strings.Repeat("long", 30),
}

// grow makes a random tree in dir.
func grow(t *testing.T, random *rand.Rand, dir string) {
	t.Helper()
	dirs, files := []string{dir}, []string{}
	for range 5 + random.IntN(40) {
		parent := dirs[random.IntN(len(dirs))]
		path := filepath.Join(parent, names[random.IntN(len(names))])
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		var err error
		switch kind := random.IntN(10); {
		case kind < 3:
			err = os.Mkdir(path, 0o755)
			dirs = append(dirs, path)
		case kind < 7 || len(files) == 0:
			text := make([]byte, []int{0, 1, 1000, 40_000}[random.IntN(4)])
			for i := range text {
				text[i] = byte(random.Uint32())
			}
			err = os.WriteFile(path, text, 0o644)
			files = append(files, path)
		case kind < 8:
			err = os.Symlink(names[random.IntN(len(names))], path)
		case kind < 9:
			err = os.Symlink("/../"+filepath.Base(files[random.IntN(len(files))]), path)
		default:
			err = os.Link(files[random.IntN(len(files))], path)
		}
		assert.NilError(t, err)
	}
	for _, path := range files {
		assert.NilError(t, os.Chmod(path, []fs.FileMode{0o600, 0o644, 0o755, 0o4755, 0o777}[random.IntN(5)]))
		at := time.Unix(random.Int64N(2e9), random.Int64N(1e9))
		assert.NilError(t, os.Chtimes(path, at, at))
	}
	for _, path := range dirs[1:] {
		assert.NilError(t, os.Chmod(path, []fs.FileMode{0o700, 0o755, 0o777 | fs.ModeSticky}[random.IntN(3)]))
	}
}

func TestWhatANodeReceivesIsWhatIsOnDisk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("tree ", seed), func(t *testing.T) {
			t.Parallel()
			dir, dest := t.TempDir(), t.TempDir()
			grow(t, rand.New(rand.NewPCG(seed, 0)), dir)
			s := read(t, dir)
			v := s.View(unheard)
			assert.NilError(t, transfer(t.Context(), t, v, dest))
			assert.DeepEqual(t, describe(t, dest), describe(t, dir))
			assert.NilError(t, errors.Join(v.Err(), s.Verify()))

			// A second time the node has everything, and asks for nothing.
			again := s.View(unheard)
			assert.NilError(t, transfer(t.Context(), t, again, dest))
			sent, _ := again.Sent()
			assert.Equal(t, len(sent), 0)
		})
	}
}

// TestWhatANodeReceivesOfAFilteredTree: engines ask for the paths that the
// Dockerfile names, and ignore rules cut away the first names of hard links.
func TestWhatANodeReceivesOfAFilteredTree(t *testing.T) {
	t.Parallel()
	dir := tree{"a/one": "1234", "b/x": "5", "c": "6", "d/e/f": "7", "d/g": "8"}.make(t)
	assert.NilError(t, os.Link(filepath.Join(dir, "a/one"), filepath.Join(dir, "b/two")))
	assert.NilError(t, os.Link(filepath.Join(dir, "a/one"), filepath.Join(dir, "b/zwei")))
	disk, err := fsutil.NewFS(dir)
	assert.NilError(t, err)
	for _, c := range []struct {
		name           string
		ignore         []string
		includes, want []string
	}{
		{"all", nil, nil, walked(t, dir)},
		{"the first name is ignored", []string{"a"}, nil, []string{"b", "b/two", "b/x", "b/zwei", "c", "d", "d/e", "d/e/f", "d/g"}},
		{"the first name is not asked for", nil, []string{"b"}, []string{"b", "b/two", "b/x", "b/zwei"}},
		{"both", []string{"a", "d/g"}, []string{"b", "d"}, []string{"b", "b/two", "b/x", "b/zwei", "d", "d/e", "d/e/f"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			asked := &fsutil.FilterOpt{IncludePatterns: c.includes}
			ours, theirs := t.TempDir(), t.TempDir()
			view, err := fsutil.NewFilterFS(read(t, dir, c.ignore...).View(unheard), asked)
			assert.NilError(t, err)
			assert.NilError(t, transfer(t.Context(), t, view, ours))
			assert.DeepEqual(t, walked(t, ours), c.want)

			// The stock sender, with the rules applied as docker build does.
			ignored, err := fsutil.NewFilterFS(disk, &fsutil.FilterOpt{ExcludePatterns: c.ignore})
			assert.NilError(t, err)
			both, err := fsutil.NewFilterFS(ignored, asked)
			assert.NilError(t, err)
			assert.NilError(t, transfer(t.Context(), t, both, theirs))
			assert.DeepEqual(t, describe(t, ours), describe(t, theirs))
		})
	}
}

func TestATransferFailsWhenAFileChanged(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, path string){
		"grown":   func(t *testing.T, path string) { write(t, path, "longer than it was") },
		"deleted": func(t *testing.T, path string) { assert.NilError(t, os.Remove(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tree{"a": "1", "b": "2", "c": "3"}.make(t)
			// The sender would wait for an engine that waits for the rest of
			// the file: it is the view's failure that has to end both.
			ctx, cancel := context.WithCancelCause(t.Context())
			v := read(t, dir).View(cancel)
			change(t, filepath.Join(dir, "b"))
			assert.Assert(t, transfer(ctx, t, v, t.TempDir()) != nil, "the node must not take the transfer for complete")
			assert.Equal(t, context.Cause(ctx), v.Err())
			assert.ErrorIs(t, v.Err(), ErrChanged)
			assert.ErrorContains(t, v.Err(), `"b"`)
			sent, _ := v.Sent()
			assert.Assert(t, !slices.Contains(sent, "b"))
		})
	}
}
