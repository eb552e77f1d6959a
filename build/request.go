package build

import (
	"context"

	"github.com/docker/cli/cli/config/types"

	"github.com/docker-multiarch/docker-multiarch/build/source"
)

// Request is what is to be built. It is the same for every platform and names
// no node.
type Request struct {
	// Context is the build context, Dockerfile the Dockerfile and its ignore
	// rules.
	Context    *source.Snapshot
	Dockerfile *source.Dockerfile
	// SharedKey identifies the build context across runs: an engine that saw
	// this key before asks only for the files that changed.
	SharedKey string
	// Target is the stage to build; empty is the last one.
	Target string
	// BuildArgs and Labels are as given by --build-arg and --label.
	BuildArgs map[string]string
	Labels    map[string]string
	// NoCache ignores the engines' build caches, Pull has them look for
	// newer base images.
	NoCache bool
	Pull    bool
}

// Credentials returns the login for a registry host, as the user's Docker
// configuration has it; an empty one when there is none.
type Credentials func(ctx context.Context, host string) (types.AuthConfig, error)
