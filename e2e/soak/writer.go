//go:build linux

package soak

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// block is the size of the pieces that a file is made of. Each tells its version, so no two versions share one.
const block = 64

// Writer changes the files of a directory, and keeps a journal of what each of them ever was.
type Writer struct {
	random  *rand.Rand
	dir     string
	outside string // Where nothing may ever come from.
	sneaky  atomic.Bool
	step    int
	journal map[string][]state
}

// state is what a file was from a step on; "" is no file.
type state struct {
	step int
	sum  string
}

// Sneaky allows changes that leave size and time as they were. From one build to the next nobody could notice those, so it is for when
// a build has looked at the directory, or for nodes that have nothing of it.
func (w *Writer) Sneaky() { w.sneaky.Store(true) }

// NewWriter makes some files in the directory. Outside is for what must never be sent.
func NewWriter(random *rand.Rand, dir, outside string) (*Writer, error) {
	w := &Writer{random: random, dir: dir, outside: outside, journal: map[string][]state{}}
	for i := range 4 + random.IntN(20) {
		path := fmt.Sprintf("d%d/f%d", i%4, i)
		if err := errors.Join(w.make(path), write(map[string]string{filepath.Join(outside, path): "secret"})); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// content is that of a file of the present version.
func (w *Writer) content() []byte {
	var text []byte
	for i := range pick(w.random, []int{0, 1, 10, 600, 1500, 5000}) {
		text = append(text, w.block(i)...)
	}
	return text
}

func (w *Writer) block(i int) []byte {
	return fmt.Appendf(nil, "%-*s\n", block-1, fmt.Sprintf("version %d block %d", w.step, i))
}

func (w *Writer) at(path string) string { return filepath.Join(w.dir, path) }

// note has the journal know what is there now.
func (w *Writer) note(path string) error {
	sum := ""
	if text, err := os.ReadFile(w.at(path)); err == nil {
		sum = sumOf(text)
	}
	w.journal[path] = append(w.journal[path], state{w.step, sum})
	return nil
}

func sumOf(text []byte) string { return fmt.Sprintf("%x", sha256.Sum256(text)) }

func (w *Writer) make(path string) error {
	return errors.Join(os.MkdirAll(filepath.Dir(w.at(path)), 0o755), os.WriteFile(w.at(path), w.content(), 0o644), w.note(path))
}

// Run changes things, with pauses up to that length, until the channel is closed. Then nothing is changed any more.
func (w *Writer) Run(stop <-chan struct{}, pause time.Duration) error {
	for {
		select {
		case <-stop:
			return nil
		case <-time.After(time.Duration(w.random.Int64N(int64(pause)))):
		}
		w.step++
		if err := w.change(); err != nil {
			return fmt.Errorf("step %d: %w", w.step, err)
		}
	}
}

// change makes one change to one file or directory.
func (w *Writer) change() error {
	path := pick(w.random, w.present())
	full := w.at(path)
	text, err := os.ReadFile(full)
	if err != nil {
		return err
	}
	switch w.random.IntN(10) {
	case 0: // Append.
		f, err := os.OpenFile(full, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(w.block(-1))
		return errors.Join(err, f.Close(), w.note(path))
	case 1: // Truncate.
		return errors.Join(os.Truncate(full, int64(len(text)/block/2*block)), w.note(path))
	case 2, 3: // Write in place what has the same size.
		return errors.Join(w.overwrite(full, len(text)), w.note(path))
	case 4: // And the same time, as touch -r leaves it.
		if !w.sneaky.Load() {
			return nil
		}
		info, err := os.Stat(full)
		if err != nil {
			return err
		}
		return errors.Join(w.overwrite(full, len(text)), os.Chtimes(full, info.ModTime(), info.ModTime()), w.note(path))
	case 5: // Replace at one stroke.
		next := filepath.Join(w.outside, "next")
		return errors.Join(os.WriteFile(next, w.content(), 0o644), os.Rename(next, full), w.note(path))
	case 6: // Delete, and perhaps put something else there.
		err := os.Remove(full)
		switch w.random.IntN(3) {
		case 0:
			err = errors.Join(err, os.Mkdir(full, 0o755))
		case 1:
			err = errors.Join(err, os.Symlink(filepath.Join(w.outside, path), full))
		}
		return errors.Join(err, w.gone(path))
	case 7: // Rename.
		other := fmt.Sprintf("%s-%d", path, w.step)
		return errors.Join(os.Rename(full, w.at(other)), w.gone(path), w.note(other))
	case 8: // A link out of the tree in a directory's place, for a moment.
		return w.swap(filepath.Dir(path))
	}
	return w.make(fmt.Sprintf("d%d/new%d", w.random.IntN(6), w.step))
}

func (w *Writer) gone(path string) error {
	w.journal[path] = append(w.journal[path], state{step: w.step})
	return nil
}

// overwrite writes blocks of a new version over a file, the later ones first.
func (w *Writer) overwrite(full string, size int) error {
	f, err := os.OpenFile(full, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for i := range slices.Backward(make([]struct{}, size/block)) {
		if _, err := f.WriteAt(w.block(i), int64(i*block)); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

func (w *Writer) swap(dir string) error {
	full, aside := w.at(dir), filepath.Join(w.outside, "aside")
	if err := errors.Join(os.Rename(full, aside), os.Symlink(filepath.Join(w.outside, dir), full)); err != nil {
		return err
	}
	time.Sleep(time.Duration(w.random.IntN(1000)) * time.Microsecond)
	return errors.Join(os.Remove(full), os.Rename(aside, full))
}

// present are the files that are there. There is always one.
func (w *Writer) present() (paths []string) {
	for path, states := range w.journal {
		if states[len(states)-1].sum != "" {
			paths = append(paths, path)
		}
	}
	if slices.Sort(paths); len(paths) == 0 {
		if err := w.make("d0/last"); err == nil {
			paths = append(paths, "d0/last")
		}
	}
	return paths
}

// Changed tells whether a text names a file that was changed.
func (w *Writer) Changed(text string) bool {
	for path, states := range w.journal {
		// A directory that was changed takes what is in it along.
		if strings.Contains(text, fmt.Sprintf("%q", path)) && len(states) > 0 {
			return true
		}
	}
	for i := range 6 {
		if strings.Contains(text, fmt.Sprintf("%q", fmt.Sprintf("d%d", i))) {
			return true
		}
	}
	return false
}

// Wrong tells what is wrong with files that a node got, by path the SHA-256 of each: content that no file ever had, or files that were
// never there at the same time.
func (w *Writer) Wrong(got map[string]string) error {
	together := map[int]bool{}
	for step := range w.step + 1 {
		together[step] = true
	}
	for path, sum := range got {
		mine := w.steps(path, sum)
		if len(mine) == 0 {
			return fmt.Errorf("%q never was what was sent", path)
		}
		before := slices.Sorted(maps.Keys(together))
		maps.DeleteFunc(together, func(step int, _ bool) bool { return !mine[step] })
		if len(together) == 0 {
			return fmt.Errorf("%q was what was sent after steps %v, other files after steps %v", path, slices.Sorted(maps.Keys(mine)), before)
		}
	}
	return nil
}

// steps are those after which a file had that content.
func (w *Writer) steps(path, sum string) map[int]bool {
	all, states := map[int]bool{}, w.journal[path]
	for i, s := range states {
		next := w.step + 1
		if i+1 < len(states) {
			next = states[i+1].step
		}
		for step := s.step; step < next && s.sum == sum; step++ {
			all[step] = true
		}
	}
	return all
}
