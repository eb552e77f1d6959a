package binary

import (
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

func TestReadSaysWhatAProgramIsBuiltFor(t *testing.T) {
	t.Parallel()
	le, be := binary.LittleEndian, binary.BigEndian
	for _, c := range []struct {
		name, content, want, loader string
	}{
		{"amd64", forAMD64, "ELF for amd64", ""},
		{"386", for386, "ELF for 386", ""},
		{"arm64", forARM64, "ELF for arm64", ""},
		{"arm", elfOf(elf.EM_ARM, elf.ELFCLASS32, le, "/lib/ld-linux-armhf.so.3\x00", 0), "ELF for arm", "/lib/ld-linux-armhf.so.3"},
		{"riscv64", elfOf(elf.EM_RISCV, elf.ELFCLASS64, le, "", 0), "ELF for riscv64", ""},
		{"s390x", elfOf(elf.EM_S390, elf.ELFCLASS64, be, "/lib/ld64.so.1\x00", 3), "ELF for s390x", "/lib/ld64.so.1"},
		{"ppc64le", elfOf(elf.EM_PPC64, elf.ELFCLASS64, le, "", 0), "ELF for ppc64le", ""},
		{"ppc64", elfOf(elf.EM_PPC64, elf.ELFCLASS64, be, "", 0), "ELF for ppc64", ""},
		{"an unknown machine", elfOf(elf.EM_AVR, elf.ELFCLASS32, le, "", 0), "ELF (EM_AVR)", ""},
		{"a loader", withLoader("/lib64/ld.so"), "ELF for amd64", "/lib64/ld.so"},
		{"a loader far behind", elfOf(elf.EM_X86_64, elf.ELFCLASS64, le, "/ld.so\x00", 1<<20), "ELF for amd64", "/ld.so"},
		{"a loader that is no path", withLoader("ld.so"), "ELF for amd64", ""},
		{"a loader with a control character", withLoader("/ld\x1b[2J"), "ELF for amd64", ""},
		{"a loader behind the end", withLoader("/lib/ld.so")[:170], "ELF for amd64", ""},
		{"Windows", peOf(0x8664, false), "PE for amd64", ""},
		{"Windows 386", peOf(0x14c, false), "PE for 386", ""},
		{"Windows arm64", peOf(0xaa64, false), "PE for arm64", ""},
		{".NET", peOf(0x14c, true), "PE (PE machine 0x14c)", ""},
		{"macOS", "\xcf\xfa\xed\xfe\x0c\x00\x00\x01", "Mach-O for arm64", ""},
		{"nothing", "", " ()", ""},
		{"text", "hello", " ()", ""},
		{"MS-DOS", "MZ" + strings.Repeat("\x00", 100), " ()", ""},
		{"half an ELF header", forAMD64[:40], " ()", ""},
	} {
		f, err := Read(strings.NewReader(c.content))
		assert.NilError(t, err, c.name)
		assert.Equal(t, f.String(), c.want, c.name)
		assert.Equal(t, f.Loader, c.loader, c.name)
	}
}

func TestReadTakesAScriptsInterpreter(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"#!/bin/sh\nx":               "/bin/sh",
		"#! /usr/bin/env -S python3": "/usr/bin/env -S python3",
		"#!/bin/sh -e\r\n":           `/bin/sh -e\r`,
		"#!":                         "",
		"#!sh":                       "",
	} {
		f, err := Read(strings.NewReader(content))
		assert.NilError(t, err)
		assert.Equal(t, strings.Join(f.Interpreter, " "), want)
	}
}

func TestFits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		content, os, arch string
		want              Fit
	}{
		{forAMD64, "linux", "amd64", Fits},
		{forAMD64, "linux", "386", Foreign},
		{for386, "linux", "386", Fits},
		{for386, "linux", "amd64", Fits}, // every amd64 kernel runs it
		{forARM64, "linux", "arm", Foreign},
		{elfOf(elf.EM_ARM, elf.ELFCLASS32, binary.LittleEndian, "", 0), "linux", "arm", Fits}, // v6 or v7 can't be told
		{elfOf(elf.EM_ARM, elf.ELFCLASS32, binary.LittleEndian, "", 0), "linux", "arm64", Foreign},
		{elfOf(elf.EM_AVR, elf.ELFCLASS32, binary.LittleEndian, "", 0), "linux", "amd64", Unknown},
		{forAMD64, "linux", "newcpu", Unknown},
		{"#!/bin/sh", "linux", "arm64", Unknown},
		{"text", "linux", "arm64", Unknown},
		{peOf(0x8664, false), "windows", "amd64", Fits},
		{peOf(0xaa64, false), "windows", "amd64", Foreign},
		{peOf(0x14c, true), "windows", "arm64", Unknown},
		{peOf(0x8664, false), "linux", "amd64", Foreign},
		{forAMD64, "windows", "amd64", Foreign},
	} {
		f, err := Read(strings.NewReader(c.content))
		assert.NilError(t, err)
		assert.Equal(t, f.Fits(ocispec.Platform{OS: c.os, Architecture: c.arch}), c.want, "%s on %s/%s", f, c.os, c.arch)
	}
}

// FuzzRead: whatever is in an image, reading it ends, without a panic, and what
// comes out is fit for a message.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{forAMD64, for386, withLoader("/lib/ld.so"), peOf(0x14c, true), "#!/bin/sh -e\n", "\xcf\xfa\xed\xfe\x0c\x00\x00\x01"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		file, err := Read(strings.NewReader(string(content)))
		assert.NilError(t, err)
		assert.Assert(t, file.Loader == "" || isPath(file.Loader))
		assert.Assert(t, len(file.Interpreter) == 0 || isPath(file.Interpreter[0]))
		file.Fits(ocispec.Platform{OS: "linux", Architecture: "amd64"})
	})
}
