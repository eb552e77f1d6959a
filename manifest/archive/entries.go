package archive

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/manifest/layout"
)

// ErrInvalid means that an archive is not what it should be: not the form, not complete, or not the content that its
// digests say.
var ErrInvalid = errors.New("not the archive of an image")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}

// Bounds of an archive. Engines stay far below.
const (
	maxEntries  = 20_000
	maxName     = 1 << 10   // bytes of one name
	maxDocument = 8 << 20   // bytes of a manifest, index or config
	maxBytes    = 256 << 30 // of the whole archive
	maxTrailer  = 1 << 20   // bytes that may follow the end of the archive
)

// entries are the files of an archive: in the layout's directory, not yet part of it.
type entries struct {
	files map[string]*layout.Spooled
	links map[string]string // symbolic links, by what they lead to
}

// spool takes in all files of an archive.
func spool(ctx context.Context, r io.Reader, d *layout.Dir) (e *entries, err error) {
	e = &entries{files: map[string]*layout.Spooled{}, links: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("reading archive: %w", err), e.drop())
		}
	}()
	in := newSource(ctx, r)
	archive := tar.NewReader(in)
	for n := 0; ; n++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return e, in.end()
		}
		if err != nil {
			return e, in.explain(err)
		}
		if n == maxEntries {
			return e, invalid("more than %d entries", maxEntries)
		}
		if err := e.take(header, archive, d); err != nil {
			return e, in.explain(err)
		}
	}
}

// take takes in one entry.
func (e *entries) take(header *tar.Header, content io.Reader, d *layout.Dir) error {
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := inside("", header.Name)
	if err != nil {
		return err
	}
	if header.Typeflag == tar.TypeDir {
		return nil
	}
	if e.files[name] != nil || e.links[name] != "" {
		return invalid("%q is there twice", name)
	}
	switch {
	case header.Typeflag == tar.TypeSymlink:
		e.links[name], err = inside(path.Dir(name), header.Linkname)
		return err
	case header.Typeflag != tar.TypeReg || isSparse(header):
		return invalid("%q is neither a plain file nor a directory", name)
	}
	file, err := d.Spool(content)
	if err != nil {
		return err
	}
	e.files[name] = file
	if algorithm, ok := strings.CutPrefix(path.Dir(name), ocispec.ImageBlobsDir+"/"); ok && name != blobName(file.Digest) {
		return invalid("%s:%s has the content of %s", algorithm, path.Base(name), file.Digest)
	}
	return nil
}

// isSparse tells a file that the archive holds only parts of: a small one could fill the disk.
func isSparse(header *tar.Header) bool {
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false // in the older form it has a type of its own
}

// inside gives the name in an archive that is written as name in the directory dir. Engines on Windows write backslashes.
func inside(dir, name string) (string, error) {
	if len(name) > maxName {
		return "", invalid("a name of %d bytes", len(name))
	}
	slashed := strings.ReplaceAll(name, `\`, "/")
	joined := path.Join(dir, slashed)
	if path.IsAbs(slashed) || !fs.ValidPath(joined) {
		return "", invalid("%q leads out of the archive", name)
	}
	return joined, nil
}

func blobName(dgst digest.Digest) string {
	return path.Join(ocispec.ImageBlobsDir, dgst.Algorithm().String(), dgst.Encoded())
}

// find gives the file under a name. A link is followed once: engines make one for a layer that another directory has.
func (e *entries) find(name string) *layout.Spooled {
	name, err := inside("", name)
	if err != nil {
		return nil
	}
	if to, ok := e.links[name]; ok {
		name = to
	}
	return e.files[name]
}

func (e *entries) blob(dgst digest.Digest) *layout.Spooled {
	if dgst.Validate() != nil {
		return nil
	}
	return e.files[blobName(dgst)]
}

// decode reads a JSON document.
func (e *entries) decode(name string, into any) ([]byte, error) {
	file := e.find(name)
	if file == nil {
		return nil, invalid("it lacks %s", name)
	}
	raw, err := document(file)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return nil, invalid("%s: %w", name, err)
	}
	return raw, nil
}

// document reads a file of bounded size.
func document(file *layout.Spooled) ([]byte, error) {
	if file.Size > maxDocument {
		return nil, invalid("a document of %d bytes", file.Size)
	}
	content, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = content.Close() }() // it was only read
	return io.ReadAll(content)
}

// drop deletes all that did not become part of the layout.
func (e *entries) drop() error {
	errs := make([]error, 0, len(e.files))
	for _, file := range e.files {
		errs = append(errs, file.Drop())
	}
	return errors.Join(errs...)
}
