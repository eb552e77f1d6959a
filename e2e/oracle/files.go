package oracle

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"strings"
)

const maxFiles = 1_000_000

// File is one file of an image.
type File struct {
	Mode     fs.FileMode // Permissions, setuid, setgid and sticky; what kind of file it is, is in Type.
	Type     string      // "file", "dir", "symlink", "hardlink", "char", "block" or "fifo".
	Size     int64
	SHA256   string // In hexadecimal, of a file's or hard link's content; empty for all others.
	Linkname string
	UID, GID int
}

// Files reads the layers of a child in order, and returns the files that a container of it would see, by their path without a
// leading slash. A directory is listed only if a layer has an entry of its own for it. Every layer is checked against its digest and
// diff_id on the way. Child comes from [Registry.Check].
func (r *Registry) Files(ctx context.Context, repo string, child Child) (map[string]File, error) {
	if child.Attestation {
		return nil, fmt.Errorf("reading the files of %s: an attestation manifest has none", short(child.Digest))
	}
	tree := tree{}
	for i, layer := range child.Layers {
		where := fmt.Sprintf("layer %d", i+1)
		m := r.measure(ctx, repo, layer, where, tree.apply)
		if err := errors.Join(m.err, layer.compare(where, m)); err != nil {
			return nil, fmt.Errorf("reading the files of %s: %w", short(child.Digest), err)
		}
	}
	return tree, nil
}

// tree is a file system as far as the layers read up to now make it.
type tree map[string]File

// apply lays one layer over the tree. Whiteouts hide what lower layers brought, never what their own layer brings, wherever in the
// tar they stand; so they go first.
func (t tree) apply(r io.Reader) error {
	upper, gone, opaque, err := t.read(r)
	if err != nil {
		return err
	}
	emptied := map[string]bool{}
	for _, name := range gone {
		delete(t, name)
		emptied[name] = true
	}
	for _, dir := range opaque {
		emptied[dir] = true
	}
	for name, file := range upper {
		if file.Type != "dir" {
			emptied[name] = true
		}
	}
	t.clear(emptied)
	maps.Copy(t, upper)
	return nil
}

// clear removes all below the given directories.
func (t tree) clear(dirs map[string]bool) {
	for name := range t {
		for dir := name; dir != "."; {
			if dir = path.Dir(dir); dirs[dir] {
				delete(t, name)
				break
			}
		}
	}
}

// read reads a layer's tar: the files it brings, the paths it removes, and the directories it empties first.
func (t tree) read(r io.Reader) (upper tree, gone, opaque []string, err error) {
	upper = tree{}
	for entries := tar.NewReader(r); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return upper, gone, opaque, nil
		}
		if err != nil {
			return nil, nil, nil, fmt.Errorf("reading tar: %w", err)
		}
		if len(upper) >= maxFiles {
			return nil, nil, nil, fmt.Errorf("reading tar: there are more than %d files", maxFiles)
		}
		name, err := cleanName(header.Name)
		if err != nil {
			return nil, nil, nil, err
		}
		dir, base := path.Split(name)
		switch hidden, isWhiteout := strings.CutPrefix(base, ".wh."); {
		case base == ".wh..wh..opq":
			opaque = append(opaque, path.Clean(dir))
		case strings.HasPrefix(hidden, ".wh."):
			// AUFS kept its own books under such names; they are no files of the image.
		case isWhiteout:
			gone = append(gone, dir+hidden)
		case name != ".":
			if upper[name], err = t.file(upper, header, entries); err != nil {
				return nil, nil, nil, err
			}
		}
	}
}

func cleanName(name string) (string, error) {
	clean := path.Clean(strings.TrimLeft(name, "/"))
	if clean == ".." || strings.HasPrefix(clean, "../") {
		return "", fmt.Errorf("reading tar: %q leads out of the image", name)
	}
	return clean, nil
}

var fileTypes = map[byte]string{
	tar.TypeReg: "file", tar.TypeDir: "dir", tar.TypeSymlink: "symlink", tar.TypeLink: "hardlink",
	tar.TypeChar: "char", tar.TypeBlock: "block", tar.TypeFifo: "fifo",
}

// file describes one entry. A hard link has the content of what it links to, in its own layer or a lower one.
func (t tree) file(upper tree, header *tar.Header, content io.Reader) (File, error) {
	file := File{
		Mode: header.FileInfo().Mode() &^ fs.ModeType, Type: fileTypes[header.Typeflag],
		Size: header.Size, Linkname: header.Linkname, UID: header.Uid, GID: header.Gid,
	}
	switch file.Type {
	case "":
		return file, fmt.Errorf("reading tar: %s has the unknown type %q", header.Name, header.Typeflag)
	case "file":
		sum := sha256.New()
		if _, err := io.Copy(sum, content); err != nil {
			return file, fmt.Errorf("reading tar: %s: %w", header.Name, err)
		}
		file.SHA256 = hex.EncodeToString(sum.Sum(nil))
	case "hardlink":
		target, err := cleanName(header.Linkname)
		if err != nil {
			return file, err
		}
		linked, ok := upper[target]
		if !ok {
			linked, ok = t[target]
		}
		if !ok {
			return file, fmt.Errorf("reading tar: %s links to %s, which is not there", header.Name, header.Linkname)
		}
		file.Size, file.SHA256 = linked.Size, linked.SHA256
	}
	return file, nil
}
