// Package registry gives commands the registry client with the user's logins, and
// publishes under several targets in the right order.
//
// The protocol is in package manifest.
package registry
