// Package scratch makes directories for what is not done yet: images that pass
// through, archives that are being written, build contexts that were fetched.
// They go with their process, or are removed by a later one if it was killed.
//
// What is in them is for others; the package never looks.
package scratch
