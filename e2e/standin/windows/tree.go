package windows

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// entry is a file or directory; links are not needed here.
type entry struct {
	path    string // with slashes, as it is written
	dir     bool
	content []byte
	time    time.Time
}

// tree are files by path in lower case: case makes no difference on Windows.
type tree map[string]entry

func key(name string) string { return strings.ToLower(path.Clean("/" + name)) }

// put adds an entry with the directories above it.
func (t tree) put(e entry) {
	e.path = path.Clean("/" + e.path)
	for dir := path.Dir(e.path); dir != "/"; dir = path.Dir(dir) {
		if _, there := t[key(dir)]; !there {
			t[key(dir)] = entry{path: dir, dir: true, time: e.time}
		}
	}
	t[key(e.path)] = e
}

// below are the entries in a directory, however deep, in order.
func (t tree) below(dir string) (all []entry) {
	prefix := strings.TrimSuffix(key(dir), "/") + "/"
	for _, at := range slices.Sorted(maps.Keys(t)) {
		if strings.HasPrefix(at, prefix) {
			all = append(all, t[at])
		}
	}
	return all
}

// untar reads an archive; in are the directories whose contents count.
func untar(archive io.Reader, in string) (tree, error) {
	t := tree{}
	for r := tar.NewReader(archive); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("Error processing tar file: %w", err)
		}
		name, inside := strings.CutPrefix(path.Clean("/"+h.Name), in)
		if !inside || name == "" {
			continue
		}
		switch h.Typeflag {
		case tar.TypeDir:
			t.put(entry{path: name, dir: true, time: h.ModTime})
		case tar.TypeReg:
			content, err := io.ReadAll(r)
			if err != nil {
				return nil, err
			}
			t.put(entry{path: name, content: content, time: h.ModTime})
		default:
			return nil, fmt.Errorf("a stand-in has no links: %s", h.Name)
		}
	}
}

// filesOf are the files of an image.
func filesOf(image v1.Image) (tree, error) {
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	all := tree{}
	for _, layer := range layers {
		body, err := layer.Uncompressed()
		if err != nil {
			return nil, err
		}
		files, err := untar(body, "/Files")
		_ = body.Close()
		if err != nil {
			return nil, err
		}
		maps.Copy(all, files)
	}
	return all, nil
}

// The attributes of Windows files.
const (
	attributeDirectory = 0x10
	attributeArchive   = 0x20
	modeDirectory      = 0o040000
)

// newLayer writes a layer as daemon/graphdriver/windows/windows.go, writeTarFromLayer, does: the files are in a directory "Files", and
// have attributes instead of permissions (BasicInfoHeader in go-winio's backuptar/tar.go).
func newLayer(files tree) (v1.Layer, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	all := append([]entry{{dir: true}}, files.below("/")...)
	for _, e := range all {
		h := &tar.Header{
			Format: tar.FormatPAX, Name: "Files" + e.path, Typeflag: tar.TypeReg, Size: int64(len(e.content)), ModTime: e.time,
			PAXRecords: map[string]string{"MSWINDOWS.fileattr": strconv.Itoa(attributeArchive)},
		}
		if e.dir {
			h.Typeflag, h.Mode = tar.TypeDir, modeDirectory
			h.PAXRecords["MSWINDOWS.fileattr"] = strconv.Itoa(attributeDirectory)
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
}
