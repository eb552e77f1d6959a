// Package binary tells whether the programs in an image are of the platform
// that the image claims.
//
// Read says of one file what it is built for, from its first bytes. Verify
// follows what an image starts (entrypoint, command, their "#!" interpreters
// and ELF loaders) and looks at a sample of its other programs. Where the files
// come from is not its business: an engine's archives (FromArchives) or the
// layers of a registry (FromLayers), both as streams of tar.
//
// Images are foreign input. Every read is bounded, and what can't be told is
// unknown and no failure: the package refuses to guess. It runs nothing, writes
// nothing to disk, and knows neither engines nor registries.
package binary
