//go:build linux

package soak

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// names are parts of paths that are awkward to sort, to print, to match or to put into a tar.
var names = []string{
	"a", "A", "a-b", "a.b", "a b", "ab", "b", "c.md", "README.md", "0", ".hidden", "..data", "...", "-rf", "--", " lead", "trail ", "ä", "日本",
	"e\u0301", "é", "🐳", "*", "[x]", "!x", "#x", "~", "$HOME", "%20", "a:b", "a,b", "a=b", "back\\slash", "new\nline", "quo\"te", "'", "node_modules",
	"src", "Dockerfile", "x.dockerignore", strings.Repeat("long", 30), strings.Repeat("ä", 120),
}

// sizes are those of files; the last one is sent in many pieces.
var sizes = []int{0, 0, 1, 63, 1000, 1000, 4096, 40_000, 40_000, 300_000}

// targets are links that lead nowhere, out of the tree, or round and round; others lead to files.
var targets = []string{"nothing", "/etc/passwd", "../../../etc/passwd", "/", ".", "..", "self", "/nothing/at all", "a/../../b"}

// Plant makes a random tree in the directory and returns the paths in it, in the order in which they were made.
func Plant(random *rand.Rand, dir string) ([]string, error) {
	p := &planting{random: random, root: dir, dirs: []string{"."}}
	for range 1 + random.IntN(60) {
		if err := p.add(); err != nil {
			return nil, err
		}
	}
	if random.IntN(8) == 0 {
		if err := p.deep(); err != nil {
			return nil, err
		}
	}
	return p.all, p.dress()
}

type planting struct {
	random           *rand.Rand
	root             string
	dirs, files, all []string
}

func (p *planting) at(path string) string { return filepath.Join(p.root, path) }

// add makes one entry of a random kind, or none where the name is taken.
func (p *planting) add() error {
	path := filepath.Join(pick(p.random, p.dirs), pick(p.random, names))
	if _, err := os.Lstat(p.at(path)); err == nil {
		return nil
	}
	var err error
	switch kind := p.random.IntN(20); {
	case kind < 5:
		err = os.Mkdir(p.at(path), 0o755)
		p.dirs = append(p.dirs, path)
	case kind < 14 || len(p.files) == 0:
		text := make([]byte, pick(p.random, sizes))
		for i := range text {
			text[i] = byte(p.random.Uint32())
		}
		err = os.WriteFile(p.at(path), text, 0o644)
		p.files = append(p.files, path)
	case kind < 15:
		err = os.Symlink(pick(p.random, targets), p.at(path))
	case kind < 18:
		err = os.Symlink(p.relative(path, pick(p.random, p.all)), p.at(path))
	default:
		err = os.Link(p.at(pick(p.random, p.files)), p.at(path))
	}
	p.all = append(p.all, path)
	return err
}

// relative is a link's text from path to target, in one of the ways to write it.
func (p *planting) relative(path, target string) string {
	up := strings.Repeat("../", strings.Count(path, "/"))
	switch p.random.IntN(4) {
	case 0:
		return "/" + target // Of the build context, as BuildKit reads it.
	case 1:
		return "./" + up + target
	}
	return up + target
}

// deep makes a path of many parts.
func (p *planting) deep() error {
	path := pick(p.random, p.dirs)
	for range 40 {
		path = filepath.Join(path, "deep")
	}
	file := filepath.Join(path, "er")
	p.files, p.all = append(p.files, file), append(p.all, path, file)
	return errors.Join(os.MkdirAll(p.at(path), 0o755), os.WriteFile(p.at(file), []byte(file), 0o644))
}

// dress gives modes, times and attributes.
func (p *planting) dress() error {
	for _, path := range p.files {
		at := time.Unix(p.random.Int64N(2e9), p.random.Int64N(2)*p.random.Int64N(1e9))
		err := errors.Join(
			syscall.Chmod(p.at(path), pick(p.random, []uint32{0o600, 0o644, 0o644, 0o755, 0o4755, 0o2711, 0o777, 0, 0o444})),
			os.Chtimes(p.at(path), at, at),
		)
		if err != nil {
			return err
		}
		if p.random.IntN(20) == 0 {
			if err := syscall.Setxattr(p.at(path), "user.soak", []byte("x"), 0); err != nil && !errors.Is(err, syscall.ENOTSUP) {
				return err
			}
		}
	}
	// Inner ones first: a time would be lost by what is done below.
	for _, path := range slices.Backward(p.dirs[1:]) {
		at := time.Unix(p.random.Int64N(2e9), 0)
		if err := errors.Join(syscall.Chmod(p.at(path), pick(p.random, []uint32{0o700, 0o755, 0o1777, 0o2775, 0o555})), os.Chtimes(p.at(path), at, at)); err != nil {
			return err
		}
	}
	return nil
}

func pick[T any](random *rand.Rand, all []T) T { return all[random.IntN(len(all))] }

// Context is a build context with its Dockerfile, made from a seed.
type Context struct {
	Dir string
	// File is the path of the Dockerfile, absolute; "" is the usual one.
	File string
	// Ignore is the text of the ignore file that holds, for messages.
	Ignore string
	// Modern says that docker's clients before 23.0 understand something in it otherwise than those after it.
	Modern bool
	// Copy is what the Dockerfile copies, for messages.
	Copy string
}

// String is for the messages of failing tests.
func (c Context) String() string {
	return fmt.Sprintf("%s\nDockerfile: %s\nignore file: %q", c.Copy, c.File, c.Ignore)
}

// NewContext makes a build context in the directory, which must be empty.
func NewContext(seed uint64, dir string) (Context, error) {
	random := rand.New(rand.NewPCG(seed, 1))
	c := Context{Dir: dir}
	paths, err := Plant(random, dir)
	if err != nil {
		return c, err
	}
	// What the tree has there goes: it may be a directory, or a link out of the build context.
	for _, name := range []string{"Dockerfile", "Dockerfile.dockerignore", ".dockerignore"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return c, err
		}
	}
	file := filepath.Join(dir, "Dockerfile")
	if random.IntN(4) == 0 {
		c.File = filepath.Join(dir, "docker files", "My.Dockerfile")
		file = c.File
	}
	c.Copy = "COPY " + copied(random, paths)
	text := map[string]string{file: "FROM scratch\n" + c.Copy + "\n"}
	exceptions := random.IntN(2) == 0
	if random.IntN(10) > 0 {
		c.Ignore = Ignore(random, paths, exceptions)
		text[filepath.Join(dir, ".dockerignore")] = c.Ignore
	}
	if random.IntN(4) == 0 {
		c.Ignore = Ignore(random, paths, exceptions)
		text[file+".dockerignore"] = c.Ignore
	}
	c.Modern = strings.Contains(c.Ignore, "!") || strings.Contains(strings.Join(paths, ""), "\n")
	return c, write(text)
}

func write(text map[string]string) error {
	for path, content := range text {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// copied is what is copied, and where to: mostly all, for then there is most to compare.
func copied(random *rand.Rand, paths []string) string {
	path := pick(random, paths)
	// The Dockerfile's own syntax is no matter of the sender's.
	if random.IntN(4) > 0 || strings.ContainsAny(path, "\\\n\"'$[]*?") {
		return ". /"
	}
	if random.IntN(2) == 0 {
		path = filepath.Join(filepath.Dir(path), "*")
	}
	return fmt.Sprintf("[%q, \"/to/\"]", path)
}
