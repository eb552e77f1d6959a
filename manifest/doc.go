// Package manifest is the registry side of docker multiarch: it reads images by digest, joins the images of several
// platforms into one OCI image index or Docker manifest list, publishes it under a tag and proves that it is there,
// copies images between repositories, and tells what a reference points at without pulling it.
//
// The invariant: a tag changes by one PUT of a manifest whose every part was read back from the registry by digest
// before, and a nil error from [Registry.Publish] means that the tag was seen to answer with it afterwards. Nothing here
// rewrites an image or deletes one: [Registry.Untag] takes a tag away, and puts back what a registry deletes with it. A
// tag says what goes into an index only where the user names one ([Registry.Collect]), and is then read once.
//
// What a registry sends is hostile until proven otherwise: documents are bounded, digests are recomputed (the header
// Docker-Content-Digest is not read), a document that can be taken for both an index and an image is refused
// (CVE-2021-41190), credentials go to no other host than the registry and the token server it names, and error texts are
// cleaned of control characters.
//
// The media type follows the images: all in Docker's schema 2 make a Docker manifest list, anything else an OCI index.
//
// The package talks to no engine, prints nothing and knows no exit codes. It retries by one policy of its own (see
// retry.go); the retries of go-containerregistry are not used.
package manifest
