// Package classic builds with an engine's classic builder: the one that engines
// had before BuildKit, and the only one of engines for Windows.
//
// The build context is one tar archive in the body of the request, the answer
// is one stream of JSON messages. Context makes the archive from the same view
// of the build context that BuildKit's session would serve, so the same ignore
// rules, checks and hashes hold; a file that fails breaks the request off, so
// that no engine builds from half an archive. Build makes the request and shows
// the stream as steps of the progress display.
//
// What a flag means to the classic builder is decided by its caller, in the
// options of the API. The package never pushes.
package classic
