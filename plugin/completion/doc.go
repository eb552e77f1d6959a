// Package completion answers what a shell asks when the user presses Tab. The
// scripts for bash, zsh, fish and PowerShell are docker's own: docker asks the
// plugin.
//
// It has what several commands complete. It dials nobody: what it knows comes
// from the context store and from lists.
package completion
