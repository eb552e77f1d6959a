// Package credential holds what a registry knows a user by, so that it reaches
// the registry and nothing else: no log, no error, no metadata file. It looks no
// login up and sends none.
package credential
