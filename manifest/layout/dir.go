package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/docker-multiarch/docker-multiarch/scratch"
)

// maxManifest bounds index.json and each manifest, in bytes.
const maxManifest = 8 << 20

const (
	// lockEvery is how often a lock is tried that somebody holds, lockLimit how long.
	lockEvery = 5 * time.Millisecond
	lockLimit = 10 * time.Second
)

// Dir is an image layout in a directory. It is safe for concurrent use; what several processes name in
// it at once is all there in the end, but on Windows.
type Dir struct {
	root *os.Root

	mu      sync.Mutex
	uploads map[string]*upload
	count   int
	scratch *scratch.Dir // in it, for what is not whole yet; nil until it is needed
	owner   *scratch.Dir // that it is in; nil if it stays
}

// Open opens the layout in the directory dir, which must be one.
func Open(dir string) (*Dir, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening OCI layout: %w", err)
	}
	d := &Dir{root: root, uploads: map[string]*upload{}}
	if err := d.check(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening OCI layout %s: %w", dir, err), root.Close())
	}
	return d, nil
}

// Create opens the layout in the directory dir, and makes an empty one of a directory that is empty or does not exist.
func Create(dir string) (*Dir, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("making OCI layout: %w", err)
	}
	if len(entries) > 0 {
		return Open(dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return nil, fmt.Errorf("making OCI layout: %w", err)
	}
	for name, content := range map[string]any{
		ocispec.ImageIndexFile:  ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}},
		ocispec.ImageLayoutFile: ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion},
	} {
		raw, err := json.Marshal(content)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), raw, 0o644) //nolint:gosec // for every user, as blobs are
		}
		if err != nil {
			return nil, fmt.Errorf("making OCI layout: %w", err)
		}
	}
	return Open(dir)
}

// Temporary makes an empty layout that goes when it is closed, in a directory of its own in parent: see [scratch.New].
func Temporary(parent string) (*Dir, error) {
	owner, err := scratch.New(parent, "docker-multiarch-")
	if err != nil {
		return nil, err
	}
	d, err := Create(filepath.Join(owner.Path, "layout"))
	if err != nil {
		return nil, errors.Join(err, owner.Remove())
	}
	d.owner = owner
	return d, nil
}

// Close gives up what was not completed, and the directory.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.root.Close()
	for _, s := range []*scratch.Dir{d.scratch, d.owner} {
		if s != nil {
			err = errors.Join(err, s.Remove())
		}
	}
	return err
}

func (d *Dir) check() error {
	raw, err := d.read(ocispec.ImageLayoutFile)
	if err != nil {
		return err
	}
	var layout ocispec.ImageLayout
	if err := json.Unmarshal(raw, &layout); err != nil {
		return fmt.Errorf("%s: %w", ocispec.ImageLayoutFile, err)
	}
	if layout.Version != ocispec.ImageLayoutVersion {
		return fmt.Errorf("%s: version %q is not known", ocispec.ImageLayoutFile, layout.Version)
	}
	_, err = d.Index()
	return err
}

// Index reads index.json: what the layout holds, and under which names.
func (d *Dir) Index() (ocispec.Index, error) {
	var index ocispec.Index
	raw, err := d.read(ocispec.ImageIndexFile)
	if err == nil {
		err = json.Unmarshal(raw, &index)
	}
	if err != nil {
		return index, fmt.Errorf("%s: %w", ocispec.ImageIndexFile, err)
	}
	return index, nil
}

// read reads a document of bounded size.
func (d *Dir) read(name string) ([]byte, error) {
	file, err := d.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(file, maxManifest+1))
	if err == nil && len(raw) > maxManifest {
		err = fmt.Errorf("more than %d bytes", maxManifest)
	}
	return raw, err
}

// open opens a regular file: a link or a pipe has no place in a layout.
func (d *Dir) open(name string) (*os.File, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	return d.root.Open(name)
}

// Blob opens a blob. Its content is as it is on disk, not verified.
func (d *Dir) Blob(dgst digest.Digest) (*os.File, error) {
	name, _, err := blobPath(dgst.String())
	if err != nil {
		return nil, err
	}
	return d.open(name)
}

// blobPath is where a blob is. Of a digest that is none there is no path.
func blobPath(text string) (string, digest.Digest, error) {
	dgst, err := digest.Parse(text)
	if err != nil {
		return "", "", err
	}
	return path.Join(ocispec.ImageBlobsDir, dgst.Algorithm().String(), dgst.Encoded()), dgst, nil
}

// find gives what a tag or digest means. The tag of a manifest is its annotation in index.json.
func (d *Dir) find(ref string) (ocispec.Descriptor, error) {
	if name, dgst, err := blobPath(ref); err == nil {
		raw, err := d.read(name)
		return ocispec.Descriptor{MediaType: mediaType(raw), Digest: dgst, Size: int64(len(raw))}, err
	}
	index, err := d.Index()
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	for _, m := range index.Manifests {
		if m.Annotations[ocispec.AnnotationRefName] == ref {
			return m, nil
		}
	}
	return ocispec.Descriptor{}, fs.ErrNotExist
}

// mediaType is what a manifest says of itself. OCI manifests need not.
func mediaType(raw []byte) string {
	var m struct {
		MediaType string          `json:"mediaType"`
		Manifests json.RawMessage `json:"manifests"`
	}
	_ = json.Unmarshal(raw, &m) // the client judges it
	switch {
	case m.MediaType != "":
		return m.MediaType
	case m.Manifests != nil:
		return ocispec.MediaTypeImageIndex
	}
	return ocispec.MediaTypeImageManifest
}

// tag names a manifest in index.json.
func (d *Dir) tag(ref string, m ocispec.Descriptor) error {
	m.Annotations = map[string]string{ocispec.AnnotationRefName: ref}
	return d.Name(m)
}

// lock keeps others from changing index.json, in this process and in others. A file system without locks, or somebody who
// keeps the lock for long, does not stop the work. On Windows nobody could read what is locked: there it is for this process.
func (d *Dir) lock() (unlock func()) {
	d.mu.Lock()
	if runtime.GOOS == "windows" {
		return d.mu.Unlock
	}
	file := flock.New(filepath.Join(d.root.Name(), ocispec.ImageLayoutFile), flock.SetFlag(os.O_RDONLY))
	for end := time.Now().Add(lockLimit); time.Now().Before(end); time.Sleep(lockEvery) {
		if held, err := file.TryLock(); held || err != nil {
			break
		}
	}
	return func() {
		_ = file.Close()
		d.mu.Unlock()
	}
}

// Name has index.json list these manifests too, in the place of others with the same tags. A manifest's tag is its
// annotation ocispec.AnnotationRefName; one without stands in the place of itself.
func (d *Dir) Name(manifests ...ocispec.Descriptor) error {
	defer d.lock()()
	index, err := d.Index()
	if err != nil {
		return err
	}
	index.Manifests = append(slices.DeleteFunc(index.Manifests, func(old ocispec.Descriptor) bool {
		return slices.ContainsFunc(manifests, func(m ocispec.Descriptor) bool { return supersedes(m, old) })
	}), manifests...)
	return d.writeIndex(index)
}

func supersedes(m, old ocispec.Descriptor) bool {
	tag := m.Annotations[ocispec.AnnotationRefName]
	return tag == old.Annotations[ocispec.AnnotationRefName] && (tag != "" || m.Digest == old.Digest)
}

// List has index.json list these manifests and no others. What it listed before stays as blobs.
func (d *Dir) List(manifests ...ocispec.Descriptor) error {
	defer d.lock()()
	index, err := d.Index()
	if err != nil {
		return err
	}
	index.Manifests = append([]ocispec.Descriptor{}, manifests...) // never null
	return d.writeIndex(index)
}

// writeIndex replaces index.json in one step.
func (d *Dir) writeIndex(index ocispec.Index) error {
	raw, err := json.Marshal(index)
	if err != nil {
		return err
	}
	name, err := d.temporary()
	if err != nil {
		return err
	}
	if err := d.root.WriteFile(name, raw, 0o644); err != nil {
		return errors.Join(err, d.root.Remove(name))
	}
	return d.root.Rename(name, ocispec.ImageIndexFile)
}
