package binary

import (
	"debug/elf"
	"debug/pe"
	"encoding/binary"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// abi is what an ELF header says of a machine.
type abi struct {
	machine elf.Machine
	class   elf.Class
	big     bool
}

// machines are the machines that containers are built for, by their GOARCH. The
// variant (arm v6 or v7, amd64 v3) is not in an ELF header: a static Go program
// shows it nowhere.
var machines = map[abi]string{
	{elf.EM_X86_64, elf.ELFCLASS64, false}:    "amd64",
	{elf.EM_X86_64, elf.ELFCLASS32, false}:    "amd64", // x32
	{elf.EM_386, elf.ELFCLASS32, false}:       "386",
	{elf.EM_ARM, elf.ELFCLASS32, false}:       "arm",
	{elf.EM_AARCH64, elf.ELFCLASS64, false}:   "arm64",
	{elf.EM_RISCV, elf.ELFCLASS64, false}:     "riscv64",
	{elf.EM_PPC64, elf.ELFCLASS64, false}:     "ppc64le",
	{elf.EM_PPC64, elf.ELFCLASS64, true}:      "ppc64",
	{elf.EM_S390, elf.ELFCLASS64, true}:       "s390x",
	{elf.EM_MIPS, elf.ELFCLASS64, false}:      "mips64le",
	{elf.EM_MIPS, elf.ELFCLASS64, true}:       "mips64",
	{elf.EM_MIPS, elf.ELFCLASS32, false}:      "mipsle",
	{elf.EM_MIPS, elf.ELFCLASS32, true}:       "mips",
	{elf.EM_LOONGARCH, elf.ELFCLASS64, false}: "loong64",
}

// peMachines are those of Windows.
var peMachines = map[uint16]string{
	pe.IMAGE_FILE_MACHINE_I386:  "386",
	pe.IMAGE_FILE_MACHINE_AMD64: "amd64",
	pe.IMAGE_FILE_MACHINE_ARMNT: "arm",
	pe.IMAGE_FILE_MACHINE_ARM64: "arm64",
}

func (h header) arch() string {
	return machines[abi{h.machine, h.class, h.order == binary.BigEndian}]
}

// Fit is whether a program runs on a platform.
type Fit int

// Verdicts on a program.
const (
	// Unknown is what can't be told from the file.
	Unknown Fit = iota
	Fits
	Foreign
)

// known are the machines that a verdict can be given for.
var known = func() map[string]bool {
	all := map[string]bool{}
	for _, arch := range machines {
		all[arch] = true
	}
	return all
}()

// Fits says whether the program runs on p. A program for 386 runs on amd64. One
// for arm on arm64 does not count: some of those processors can't, as Apple's.
func (f File) Fits(p ocispec.Platform) Fit {
	native := FormatELF
	if p.OS == "windows" {
		native = FormatPE
	}
	switch {
	case f.Format == FormatOther || f.Format == FormatScript:
		return Unknown
	case f.Format != native:
		return Foreign
	case f.Machine == "" || !known[p.Architecture]:
		return Unknown
	case f.Machine == p.Architecture || f.Machine == "386" && p.Architecture == "amd64":
		return Fits
	}
	return Foreign
}

// String names what the file is for, as a user would.
func (f File) String() string {
	if f.Machine != "" {
		return string(f.Format) + " for " + f.Machine
	}
	return string(f.Format) + " (" + f.Detail + ")"
}
