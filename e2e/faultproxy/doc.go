// Package faultproxy stands before a real registry and breaks what passes: requests that are refused, answers that are lost, cut off
// or changed on their way, old answers, tokens that expire, and the rules that some registries have and others don't.
//
// A [Proxy] knows the request that it sees as a [Step] of a publication, so that a test can go through all of them: a run without
// faults tells which steps there are.
//
// It breaks nothing by chance: a [Rule] says which requests, and how many. What a fault does is what the client sees; whether the
// registry saw the request too is said with each.
package faultproxy
