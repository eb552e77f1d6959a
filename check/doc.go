// Package check tells whether a Dockerfile is ready for several platforms: its
// base images have them all, and nothing in it belongs to one of them only.
//
// Every platform is judged on its own. The Dockerfile is read with BuildKit's
// parser, the build arguments and the values of the platform are filled in, and
// only the stages that the target needs are looked at: so what names amd64 is
// wrong for arm64 and right for amd64, and what depends on TARGETARCH is right
// for both. Shell commands are read with a shell parser, because only that tells
// a word from a comment, and what is done for one architecture only from what
// is done for all. Rules are pure: what registries hold comes in through Images,
// the build context as an fs.FS.
//
// The package runs nothing, pulls nothing and knows no engine. What can't be
// told (a value from $(uname -m), a script of the build context) is taken to be
// right: a false alarm costs more trust than a miss.
package check
