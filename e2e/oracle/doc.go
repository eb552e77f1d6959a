// Package oracle judges what a registry holds after a build was pushed.
//
// It is the end-to-end tests' second opinion: it reads a registry over plain HTTP or HTTPS with its own code, recomputes every
// SHA-256, and compares what it finds with the publication contract. It shares no code with the product and uses nothing outside
// the standard library, so that a mistake in a shared library can't hide itself by being made on both sides.
//
// [Registry.Check] covers what a registry can show of the contract: a tag leads to a complete image (P5), whose index tells the
// truth about its children's platforms (P3). [Journal] stands in front of a registry and writes down every request, for what only
// the traffic can show: that a tag was changed by exactly one PUT, after its children were read back (P1). Where a digest came from
// (P2) is the caller's to compare: [Image] has every digest that was found.
//
// What it refuses to do:
//
//   - It never writes to a registry, and never retries: a test that needs patience brings its own.
//   - It speaks basic authentication alone, and fetches no tokens.
//   - It knows sha256 alone, and unpacks gzip alone. A zstd layer is reported, because it can't be checked.
//   - It makes no exception for foreign layers: a layer that the registry does not hold is missing.
//   - It reads no more than 8 MiB of a manifest or config, 1 GiB of a layer, and 8 GiB of what a layer unpacks to.
package oracle
