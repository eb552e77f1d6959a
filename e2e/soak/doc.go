// Package soak makes build contexts that nobody would think of, changes them while they are sent, and tells whether what a build
// made of them can be right. Everything is made from a seed; what a file may contain is known from a journal of all that was written.
//
// The end-to-end tests run a small share of the seeds, scripts/soak as many as it is told.
package soak
