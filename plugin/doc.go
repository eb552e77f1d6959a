// Package plugin is the command line of docker multiarch.
//
// It alone knows cobra, the streams, the environment and exit codes, and it
// alone puts the other packages together: nodes from contexts, the work on them
// by build, the registry by manifest.
//
// Standard output carries only the result, so that it can be used in scripts.
// The plan, progress, warnings and errors go to standard error. What an error
// means to the user (a hint what to do, and the exit code) is decided in one
// place, errors.go.
package plugin
