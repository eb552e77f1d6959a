// Package power starts nodes for a build and stops them after it, so that no
// stop is forgotten: not by an interrupt, not by kill -9, not by a full disk.
//
// What is remembered is in one folder for each node, below the state directory:
//
//	debt.json   a stop is owed: since when, and why it failed so far
//	lease-*     a run uses the node, as long as it holds the file's lock
//	lock        held by whoever looks at or changes the others
//	reaper      locked by the process that settles the debt
//
// A start goes: take the lock, make a lease, start the reaper, write the debt
// (file and folder synced), and only then run the start command. Whatever ends
// the run from here on, the stop is owed, whether the start worked or not. The
// reaper is a process in a session of its own; it waits for the lock, and then
// for the last lease to go. A lease is a lock of the kernel's, not a number of
// a process: it ends with its process however that ends, at a reboot too, and no
// other process can be taken for it, whatever namespace it is in.
//
// The debt is settled (the stop command was run, the engine answers no more and
// the status command does not contradict) under the lock, by the last run that
// used the node if it comes to its end, else by the reaper, else in passing by
// any later run, which starts a reaper. So a stop may be run twice, and must not
// mind. What runs on the engine for somebody else puts the stop off. If the
// client's machine dies, only the node can help itself (docs/guide/power.md).
//
// A run that is killed may leave a command of the user's running. Its process is
// in the debt, on Linux, where it can be told from another process with the same
// number: a start command is ended before the stop, and everything else waits for
// the command's end. That a stop was begun is there too, everywhere, even if nothing
// was owed: until its outcome is known, an engine that answers is no reason to build
// on it.
//
// The package refuses to execute what it has not been given by its caller: the
// files say that something is owed, never what to run. It reads no
// configuration and no environment, and knows no registries. What commands
// print is bounded here, and made fit for a terminal by who shows it.
package power
