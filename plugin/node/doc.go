// Package node is the command node with all that is below it, and what other
// commands want to know of nodes: which there are, which were seen before, how they
// are started and stopped.
//
// What a node is and how it is asked is in package contexts.
package node
