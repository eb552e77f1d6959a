// Package progress is the one display for all nodes of a build.
//
// Everything that happens (BuildKit's solve status, an engine's push stream,
// the publication of the index) becomes a BuildKit status event of a Writer,
// which stands for one part of the build: a platform on a node. One goroutine
// turns events into changes of what is known of that part, and every view shows
// those: lines that are drawn again and again on a terminal, plain lines, JSON,
// the groups of GitHub Actions, a log file for each platform.
//
// BuildKit tells vertices apart by their digest, and two nodes that build the
// same stage report the same digest; each part has its own, so they never merge.
//
// Text that comes from a node is hostile until cleaned: Clean is the one place
// where terminal control sequences are taken out, for this display and for
// whoever prints a node's or registry's words elsewhere. A Writer cleans all it
// is given, and passes on whole lines only.
//
// It starts no process, reads no environment and handles no signal. Between two
// writes a terminal is in the state in which it was found.
package progress
