// Package source is the build context: the files that every node of a build
// gets.
//
// The directory is walked once. The walk makes a Snapshot (path, type, mode,
// size, times and link target of each entry), and every node reads from that
// Snapshot, so all see the same tree whatever happens on disk meanwhile. Ignore
// rules are applied here, before BuildKit's session can serve a file: the
// engine asks for what it wants, and gets no more than the user meant to send.
//
// The stock sender of BuildKit sends an empty file for one it cannot open,
// skips the remaining siblings of a file that vanishes during the walk, and
// accepts files that grow or shrink while they are read. Here each of these is
// an error that names the path. The content of every file is hashed as it is
// sent, to whichever node; a path sent twice must have the same hash, and when
// the last node is done what was sent must still be what is on disk.
//
// The package knows the file system and BuildKit's file-sync types only: no
// engine, no registry, no Dockerfile syntax.
package source
