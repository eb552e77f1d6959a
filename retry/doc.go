// Package retry is the one rule for trying again what may only have failed for
// the moment: six attempts, with up to 1, 2, 4, 8 and 16 seconds between them.
//
// What failures may pass is for the caller to say: an engine and a registry
// report theirs in different ways. The package knows neither.
package retry
