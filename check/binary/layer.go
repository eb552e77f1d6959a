package binary

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Names by which a layer says what is no more (OCI image spec, "Whiteouts").
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// maxWindow is the memory in bytes that a zstd layer may ask for.
const maxWindow = 128 << 20

// layer is what one layer adds and takes away, by absolute path.
type layer struct {
	files  map[string]file
	gone   map[string]bool
	opaque map[string]bool // directories of which nothing below shows
}

// file is an entry of a layer. A hard link has the path of its file as its link.
type file struct {
	entry    Entry
	link     string
	hardlink bool
}

// hides says whether the layer hides what is at name in the layers below it.
func (l *layer) hides(name string) bool {
	if l.gone[name] {
		return true
	}
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		above, there := l.files[dir]
		if l.opaque[dir] || l.gone[dir] || there && !above.entry.Mode.IsDir() {
			return true
		}
		if dir == "/" {
			return false
		}
	}
}

// readLayer reads a layer to its end.
func (l *layers) readLayer(ctx context.Context, open Layer) (*layer, error) {
	body, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	unpacked, err := decompress(body)
	if err != nil {
		return nil, err
	}
	defer unpacked.Close()
	bounded := &io.LimitedReader{R: unpacked, N: l.left}
	defer func() { l.left = bounded.N }()
	out := &layer{files: map[string]file{}, gone: map[string]bool{}, opaque: map[string]bool{}}
	in := tar.NewReader(bounded)
	for {
		h, err := in.Next()
		switch {
		case bounded.N <= 0 || l.files > maxFiles || l.names > maxNames:
			return nil, ErrTooLarge
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("reading layer: %w", err)
		}
		if max(len(h.Name), len(h.Linkname)) > maxName {
			return nil, ErrTooLarge
		}
		before := len(out.files)
		if err := out.add(h, in); err != nil {
			return nil, err
		}
		l.files += max(1, len(out.files)-before)
		l.names += len(h.Name) + len(h.Linkname)
	}
}

func (l *layer) add(h *tar.Header, in io.Reader) error {
	name := layerPath(h.Name)
	switch dir, base := path.Dir(name), path.Base(name); {
	case base == opaque:
		l.opaque[dir] = true
		return nil
	case strings.HasPrefix(base, whiteout):
		l.gone[path.Join(dir, strings.TrimPrefix(base, whiteout))] = true
		return nil
	}
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if _, there := l.files[dir]; there {
			break
		}
		l.files[dir] = file{entry: Entry{Path: dir, Mode: fs.ModeDir}}
	}
	if _, windows := h.PAXRecords[windowsAttributes]; windows {
		h.Mode |= 0o111 // there are no executable bits
	}
	entry, err := newEntry(name, h, in)
	if err != nil {
		return err
	}
	f := file{entry: entry, link: h.Linkname}
	if h.Typeflag == tar.TypeLink {
		f.link, f.hardlink = layerPath(h.Linkname), true
	}
	l.files[name] = f
	return nil
}

// windowsAttributes is what files of Windows have in a layer instead of
// permissions (BasicInfoHeader in go-winio's backuptar).
const windowsAttributes = "MSWINDOWS.fileattr"

// layerPath is the absolute path of a name in a layer. Layers of Windows have
// their files in a directory "Files".
func layerPath(name string) string {
	name = path.Clean("/" + strings.ReplaceAll(name, `\`, "/"))
	if rest, ok := strings.CutPrefix(name, "/Files/"); ok {
		return "/" + rest
	}
	return name
}

// decompress tells the compression from the content: media types lie.
func decompress(r io.Reader) (io.ReadCloser, error) {
	in := bufio.NewReader(r)
	head, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading layer: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("reading layer: %w", err)
		}
		return unpacked, nil
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		unpacked, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("reading layer: %w", err)
		}
		return unpacked.IOReadCloser(), nil
	}
	return io.NopCloser(in), nil
}
