// Package builder is the command build: from flags to a published image.
//
// It puts the steps of a build together and says what became of them. How nodes
// build and push is in package build, what a registry is sent in package manifest.
package builder
