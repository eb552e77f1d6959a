// Package archive reads images from tar archives into an OCI image layout and writes them as archives: what engines give
// for `docker image save`, and OCI layouts in one file.
//
// Engines with a graph driver say the content of an image (its config and uncompressed layers) in one of two ways:
// directories named for layers with a manifest.json beside (up to 24.0), or blobs named for their digest (since 25.0).
// The manifest is then made here, as the engine would make it for a push. Engines with the containerd image store give
// blobs that are just as they would push them.
//
// An archive is hostile until proven otherwise. Nothing is ever written under a name that it gives: each file is hashed on
// its way to a file of the layout's own, and becomes a blob only when the digest of what was asked for leads to it. What
// leads out of the archive, is named twice, is neither file nor directory, or goes beyond the bounds is refused.
// Memory does not grow with the size of images.
//
// The package takes an io.Reader and knows no engine and no registry. It rewrites nothing but media types, and those only
// if asked to.
package archive
