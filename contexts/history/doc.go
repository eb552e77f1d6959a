// Package history remembers from one run to the next what happened with nodes:
// which were found dead a moment ago, which were sent files before, and which
// built a project last.
//
// It is a convenience and no more. A file that is missing, damaged or written by
// another version is an empty history; nothing in it decides what is run or
// where a login goes.
package history
