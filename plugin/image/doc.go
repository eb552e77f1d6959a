// Package image is the commands for images that are in a registry already: inspect,
// create, copy and untag.
//
// No engine is asked for anything, but for inspect --nodes. Nothing is kept on disk.
package image
