// Package dockerfile knows which Dockerfile each platform has, and is the command
// check, which tells whether they are ready for several platforms.
//
// The rules themselves are in package check.
package dockerfile
