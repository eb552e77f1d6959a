package binary

import (
	"bufio"
	"bytes"
	"debug/elf"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of what is read of one file, in bytes.
const (
	maxHead   = 64 << 10
	maxLine   = 4 << 10 // a "#!" line; the kernel itself stops at 256
	maxLoader = 4 << 10 // PATH_MAX
	// maxSkip is how far into a file the name of its loader is looked for:
	// patchelf moves it to the end.
	maxSkip = 256 << 20
	maxPhdr = 512
)

// Format is how a program is stored.
type Format string

// The formats that Read knows.
const (
	FormatELF    Format = "ELF"
	FormatPE     Format = "PE"
	FormatMachO  Format = "Mach-O"
	FormatScript Format = "script"
	FormatOther  Format = ""
)

// File is what the first bytes of a file say of it.
type File struct {
	Format Format
	// Machine is the GOARCH of the machine that the program is for; empty if
	// it is of none in particular or not known.
	Machine string
	// Detail is the machine as the format names it, such as "EM_X86_64".
	Detail string
	// Program says that an ELF file can be run or linked, and is no object
	// file or core dump.
	Program bool
	// Loader is the program that an ELF file asks the kernel for.
	Loader string
	// Interpreter are the words of a script's first line; `\r` at its end stands
	// for a carriage return.
	Interpreter []string
}

// Read says what a file is built for. It reads no more than it needs and takes
// whatever is not a program as FormatOther; an error is the reader's.
func Read(r io.Reader) (File, error) {
	in := bufio.NewReaderSize(r, maxHead)
	head, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return File{}, fmt.Errorf("reading a program: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("#!")):
		return readScript(in)
	case bytes.HasPrefix(head, []byte(elf.ELFMAG)):
		return readELF(in)
	case bytes.HasPrefix(head, []byte("MZqF")):
		return File{}, nil // a program of Cosmopolitan libc, which many systems run
	case bytes.HasPrefix(head, []byte("MZ")):
		return readPE(in)
	case len(head) == 4:
		return readMachO(in)
	}
	return File{}, nil
}

// peek returns the first n bytes, or those that there are.
func peek(in *bufio.Reader, n int) ([]byte, error) {
	head, err := in.Peek(min(n, maxHead))
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("reading a program: %w", err)
	}
	return head, nil
}

// carriageReturn is how the end of a script's first line is written here if an
// editor on Windows wrote it: to Linux it is part of the word before it.
const carriageReturn = `\r`

func readScript(in *bufio.Reader) (File, error) {
	head, err := peek(in, maxLine)
	if err != nil {
		return File{}, err
	}
	line, _, _ := bytes.Cut(head[2:], []byte("\n"))
	words := strings.Fields(string(line))
	if len(words) == 0 || !isPath(words[0]) {
		return File{}, nil
	}
	if bytes.HasSuffix(line, []byte("\r")) {
		words[len(words)-1] += carriageReturn
	}
	return File{Format: FormatScript, Interpreter: words}, nil
}

// isPath says whether s can be the path of a program in an image.
func isPath(s string) bool {
	return strings.HasPrefix(s, "/") && len(s) <= maxLoader && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// header are the fields of an ELF header that are needed.
type header struct {
	order         binary.ByteOrder
	class         elf.Class
	kind          elf.Type
	machine       elf.Machine
	phoff         uint64
	phsize, phnum int
}

func readELF(in *bufio.Reader) (File, error) {
	head, err := peek(in, maxHead)
	if err != nil {
		return File{}, err
	}
	h, ok := parseHeader(head)
	if !ok {
		return File{}, nil
	}
	f := File{
		Format: FormatELF, Machine: h.arch(), Detail: strings.TrimPrefix(h.machine.String(), "elf."),
		Program: h.kind == elf.ET_EXEC || h.kind == elf.ET_DYN,
	}
	offset, size := h.loader(head)
	if size == 0 || size > maxLoader || offset > maxSkip {
		return f, nil
	}
	if _, err := io.CopyN(io.Discard, in, int64(offset)); err != nil {
		return f, unlessShort(err)
	}
	name := make([]byte, size)
	if _, err := io.ReadFull(in, name); err != nil {
		return f, unlessShort(err)
	}
	if loader, _, _ := strings.Cut(string(name), "\x00"); isPath(loader) {
		f.Loader = loader
	}
	return f, nil
}

// unlessShort forgives a file that ends before its header says: it is broken,
// and what it is built for is known.
func unlessShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return fmt.Errorf("reading a program: %w", err)
}

func parseHeader(head []byte) (h header, ok bool) {
	if len(head) < 52 {
		return h, false
	}
	h.class = elf.Class(head[elf.EI_CLASS])
	switch elf.Data(head[elf.EI_DATA]) {
	case elf.ELFDATA2LSB:
		h.order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		h.order = binary.BigEndian
	case elf.ELFDATANONE:
		return h, false
	default:
		return h, false
	}
	h.kind, h.machine = elf.Type(h.order.Uint16(head[16:])), elf.Machine(h.order.Uint16(head[18:]))
	switch {
	case h.class == elf.ELFCLASS32:
		h.phoff = uint64(h.order.Uint32(head[28:]))
		h.phsize, h.phnum = int(h.order.Uint16(head[42:])), int(h.order.Uint16(head[44:]))
	case h.class == elf.ELFCLASS64 && len(head) >= 64:
		h.phoff = h.order.Uint64(head[32:])
		h.phsize, h.phnum = int(h.order.Uint16(head[54:])), int(h.order.Uint16(head[56:]))
	default:
		return h, false
	}
	return h, true
}

// loader returns where in the file the name of the loader is; a size of 0 is
// nowhere, or beyond what is looked at.
func (h header) loader(head []byte) (offset, size uint64) {
	for i := range min(h.phnum, maxPhdr) {
		at := h.phoff + uint64(i*h.phsize) //nolint:gosec // both are small
		need := uint64(32)
		if h.class == elf.ELFCLASS64 {
			need = 56
		}
		if h.phoff > maxHead || at+need > uint64(len(head)) || uint64(h.phsize) < need { //nolint:gosec // a 16 bit number
			return 0, 0
		}
		entry := head[at:]
		switch {
		case elf.ProgType(h.order.Uint32(entry)) != elf.PT_INTERP:
		case h.class == elf.ELFCLASS64:
			return h.order.Uint64(entry[8:]), h.order.Uint64(entry[32:])
		default:
			return uint64(h.order.Uint32(entry[4:])), uint64(h.order.Uint32(entry[16:]))
		}
	}
	return 0, 0
}

// Offsets in a PE file (the PE format specification, "Overview").
const (
	peOffset    = 0x3c // where the offset of the signature is
	peOptional  = 24   // from the signature to the optional header
	peCLR       = 14   // number of the data directory of managed code
	pe32Dirs    = 96   // data directories, from the optional header
	pe32PlusDir = 112
)

func readPE(in *bufio.Reader) (File, error) {
	head, err := peek(in, maxHead)
	if err != nil || len(head) < peOffset+4 {
		return File{}, err
	}
	at := uint64(binary.LittleEndian.Uint32(head[peOffset:]))
	if at+peOptional+2 > uint64(len(head)) || !bytes.HasPrefix(head[at:], []byte("PE\x00\x00")) {
		return File{}, nil
	}
	image := head[at:]
	machine := binary.LittleEndian.Uint16(image[4:])
	f := File{Format: FormatPE, Program: true, Machine: peMachines[machine], Detail: fmt.Sprintf("PE machine %#x", machine)}
	if machine == pe.IMAGE_FILE_MACHINE_I386 && managed(image[peOptional:]) {
		f.Machine = "" // .NET's "any CPU" is marked as 386 and runs on every machine
	}
	return f, nil
}

// managed says whether an optional header names a header of managed code.
func managed(optional []byte) bool {
	dirs := pe32Dirs
	if binary.LittleEndian.Uint16(optional) == 0x20b {
		dirs = pe32PlusDir
	}
	at := dirs + 8*peCLR
	return at+8 <= len(optional) && binary.LittleEndian.Uint32(optional[at:]) != 0
}

// machoMachines are the cputypes of Mach-O.
var machoMachines = map[uint32]string{7: "386", 0x01000007: "amd64", 12: "arm", 0x0100000c: "arm64"}

func readMachO(in *bufio.Reader) (File, error) {
	head, err := peek(in, 8)
	if err != nil || len(head) < 8 {
		return File{}, err
	}
	magic := binary.LittleEndian.Uint32(head)
	if magic != 0xfeedface && magic != 0xfeedfacf {
		return File{}, nil
	}
	cpu := binary.LittleEndian.Uint32(head[4:])
	return File{Format: FormatMachO, Program: true, Machine: machoMachines[cpu], Detail: fmt.Sprintf("Mach-O cputype %#x", cpu)}, nil
}
