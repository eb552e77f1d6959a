package binary

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"io"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

// elfOf is an ELF program for a machine, which asks for a loader if that is not
// empty. The loader's name comes after gap bytes.
func elfOf(machine elf.Machine, class elf.Class, order binary.AppendByteOrder, loader string, gap int) string {
	data := byte(elf.ELFDATA2LSB)
	if order == binary.BigEndian {
		data = byte(elf.ELFDATA2MSB)
	}
	b := append([]byte(elf.ELFMAG), byte(class), data, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = order.AppendUint16(b, uint16(elf.ET_DYN))
	b = order.AppendUint16(b, uint16(machine))
	b = order.AppendUint32(b, 1)
	if class == elf.ELFCLASS64 {
		const at = 64 + 2*56
		b = order.AppendUint64(order.AppendUint64(order.AppendUint64(b, 0), 64), 0)
		b = order.AppendUint32(b, 0)
		for _, n := range []uint16{64, 56, 2, 0, 0, 0} {
			b = order.AppendUint16(b, n)
		}
		b = append(b, make([]byte, 56)...) // PT_NULL
		b = order.AppendUint32(order.AppendUint32(b, uint32(elf.PT_INTERP)), 4)
		for _, n := range []uint64{uint64(at + gap), 0, 0, uint64(len(loader)), 0, 1} {
			b = order.AppendUint64(b, n)
		}
	} else {
		const at = 52 + 2*32
		b = order.AppendUint32(order.AppendUint32(order.AppendUint32(b, 0), 52), 0)
		b = order.AppendUint32(b, 0)
		for _, n := range []uint16{52, 32, 2, 0, 0, 0} {
			b = order.AppendUint16(b, n)
		}
		b = append(b, make([]byte, 32)...)
		b = order.AppendUint32(b, uint32(elf.PT_INTERP))
		for _, n := range []uint32{uint32(at + gap), 0, 0, uint32(len(loader)), 0, 4, 1} {
			b = order.AppendUint32(b, n)
		}
	}
	return string(append(append(b, make([]byte, gap)...), loader...))
}

// These are programs without a loader.
var (
	forAMD64 = elfOf(elf.EM_X86_64, elf.ELFCLASS64, binary.LittleEndian, "", 0)
	forARM64 = elfOf(elf.EM_AARCH64, elf.ELFCLASS64, binary.LittleEndian, "", 0)
	for386   = elfOf(elf.EM_386, elf.ELFCLASS32, binary.LittleEndian, "", 0)
)

// withLoader is a program for amd64 that asks for a loader.
func withLoader(loader string) string {
	return elfOf(elf.EM_X86_64, elf.ELFCLASS64, binary.LittleEndian, loader+"\x00", 8)
}

// peOf is a PE file for a machine.
func peOf(machine uint16, clr bool) string {
	b := make([]byte, 0x80)
	copy(b, "MZ")
	b[peOffset] = 0x80
	b = append(b, "PE\x00\x00"...)
	b = binary.LittleEndian.AppendUint16(b, machine)
	b = append(b, make([]byte, 18)...)
	b = binary.LittleEndian.AppendUint16(b, 0x10b)
	optional := make([]byte, 224)
	if clr {
		optional[pe32Dirs+8*peCLR-2] = 1
	}
	return string(append(b, optional...))
}

// tarOf makes a layer of lines "PATH", "PATH -> TARGET", "PATH => HARD LINK",
// "PATH/" and "PATH: CONTENT"; what has content may be run.
func tarOf(t *testing.T, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, entry := range entries {
		h := &tar.Header{Name: entry, Mode: 0o644, Typeflag: tar.TypeReg}
		content := ""
		if name, target, ok := strings.Cut(entry, " -> "); ok {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeSymlink
		} else if name, target, ok := strings.Cut(entry, " => "); ok {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeLink
		} else if name, text, ok := strings.Cut(entry, ": "); ok {
			h.Name, h.Mode, h.Size, content = name, 0o755, int64(len(text)), text
		} else if strings.HasSuffix(entry, "/") {
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		assert.NilError(t, w.WriteHeader(h))
		_, err := io.WriteString(w, content)
		assert.NilError(t, err)
	}
	assert.NilError(t, w.Close())
	return b.Bytes()
}

// layerOf opens a layer and counts how often that was done.
func layerOf(opened *int, content []byte) Layer {
	return func(context.Context) (io.ReadCloser, error) {
		*opened++
		return io.NopCloser(bytes.NewReader(content)), nil
	}
}

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	assert.NilError(t, err)
	assert.NilError(t, w.Close())
	return b.Bytes()
}

func zstded(t *testing.T, content []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	assert.NilError(t, err)
	return w.EncodeAll(content, nil)
}

// imageOf is an image for linux with a command line.
func imageOf(arch string, entrypoint, cmd []string) ocispec.Image {
	return ocispec.Image{Platform: ocispec.Platform{OS: "linux", Architecture: arch}, Config: ocispec.ImageConfig{Entrypoint: entrypoint, Cmd: cmd}}
}

// held are an image's files as an engine gives them: tar archives by path.
type held struct {
	t     *testing.T
	files map[string]string // programs; "-> X" is a link, as engines resolve it
	asked []string
}

// Archive implements Archives.
func (h *held) Archive(_ context.Context, name string) (string, io.ReadCloser, error) {
	h.asked = append(h.asked, name)
	if target, ok := strings.CutPrefix(h.files[name], "-> "); ok {
		name = target
	}
	if content, ok := h.files[name]; ok {
		return name, io.NopCloser(bytes.NewReader(tarOf(h.t, path.Base(name)+": "+content))), nil
	}
	var inside []string
	for at, content := range h.files {
		if strings.HasPrefix(at, name+"/") {
			inside = append(inside, strings.TrimPrefix(at, path.Dir(name))+": "+content)
		}
	}
	if inside == nil {
		return "", nil, &fs.PathError{Op: "archive", Path: name, Err: fs.ErrNotExist}
	}
	return name, io.NopCloser(bytes.NewReader(tarOf(h.t, append([]string{path.Base(name) + "/"}, inside...)...))), nil
}
