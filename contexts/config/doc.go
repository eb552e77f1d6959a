// Package config reads and edits multiarch.yaml, the file in the user's Docker
// configuration directory that says which Docker contexts are build nodes and
// how they are used.
//
// Reading is strict: a key that is not known, a value of the wrong type or a
// context that does not exist is an error that names file and line. A setting
// that was silently ignored would send a build to the wrong machine.
//
// Editing changes the lines it is about and no others: comments, order and
// layout stay as the user made them.
//
// The package knows the file alone: no contexts, no engines, no environment.
// The caller says where the file is and which contexts there are.
package config
