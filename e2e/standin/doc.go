// Package standin is a stand-in for a Docker engine, for tests. It is not an engine: it speaks as much of the protocol as it
// takes to be found by a client (/_ping, /info, /version) and to be asked to build (BuildKit's Control service on a
// hijacked /grpc), builds nothing, and answers what it is told to.
//
// It is for what no real engine does on demand: to be one of a hundred, to be of an architecture that is not at hand, to answer
// nonsense, to contradict itself, to have a full disk. Whatever a real engine can show is shown with the farm's.
package standin
