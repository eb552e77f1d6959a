// Package contexts turns the Docker contexts a user already has into build
// nodes.
//
// A node is one engine reached through one Docker context. What the node is
// (its platform, its builder, its image store) is asked of the engine itself,
// never guessed from the context's name and never read from BuildKit's worker
// list: a plain amd64 engine lists arm64 there as soon as binfmt_misc is
// registered, so that list cannot tell native from emulated.
//
// The package loads, probes and orders nodes. It knows nothing of registries,
// of builds, or of the command line: it neither prints nor reads the
// environment, and a context that cannot be reached is a node with an Err, not
// a failure of the whole.
package contexts
