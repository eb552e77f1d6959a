// Package platform is what the other packages mean by a platform: how it is
// written, when two are one, and in which order several stand.
//
// It adds to containerd's platform package what that leaves to its callers. It
// knows no engine and no registry.
package platform
