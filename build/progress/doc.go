// Package progress is the one display for all nodes of a build.
//
// Everything that happens (BuildKit's solve status, an engine's push stream,
// the publication of the index) becomes a BuildKit status event and goes through
// one Display, so that the modes users know from docker build (auto, plain, tty,
// quiet, rawjson) work for all of it.
//
// BuildKit's display tells vertices apart by their digest, and two nodes that
// build the same stage report the same digest; so each Writer re-keys what it
// passes on, and puts its platform in front of every name.
//
// Text that comes from a node is hostile until cleaned: Clean is the one place
// where terminal control sequences are taken out, for this display and for
// whoever prints a node's or registry's words elsewhere.
package progress
