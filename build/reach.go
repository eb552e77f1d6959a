package build

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/authconfig"
	dockerclient "github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/docker-multiarch/docker-multiarch/build/progress"
	"github.com/docker-multiarch/docker-multiarch/retry"
)

// reachTimeout bounds what engines are asked of registries before a build.
const reachTimeout = 10 * time.Second

// outOfReach are the words by which an engine says that it does not reach a
// registry, or does not trust it. The registry's own answers are none: many say
// "unauthorized" of a repository that a first push would make.
var outOfReach = regexp.MustCompile(`(?i)x509:|certificate|HTTP response to HTTPS client|no such host|connection refused|no route to host|network is unreachable`)

// CheckRegistries asks the engines of a plan whether they reach the registries
// that they are going to push to, with the logins that they get for that. An
// engine that does not is an error before the build and not after it; one that
// does not know, or is slow to answer, finds out when it pushes.
func (r *Runner) CheckRegistries(ctx context.Context, plan Plan) error {
	limited, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	errs := make([]error, len(plan))
	var checks errgroup.Group
	for i, a := range plan {
		if a.Optional || a.Node.Asleep || a.Node.Relay {
			continue
		}
		checks.Go(func() error {
			asked := map[string]bool{} // hosts: what is asked is the same for all of their names
			for _, name := range a.Pushes {
				host := reference.Domain(name)
				if asked[host] {
					continue
				}
				asked[host] = true
				if err := r.reach(limited, a, name); err != nil {
					errs[i] = a.failed(ctx, "push", err)
				}
			}
			return nil
		})
	}
	_ = checks.Wait() // no check returns an error
	return errors.Join(errs...)
}

// reach has a node look up the name that it is going to push.
func (r *Runner) reach(ctx context.Context, a Assignment, name reference.Named) error {
	login, err := r.credentialsFor(a.Node)(ctx, reference.Domain(name))
	if err != nil {
		return err
	}
	header, err := authconfig.Encode(registryLogin(login))
	if err != nil {
		return err
	}
	err = retry.Do(ctx, mayPass, func(ctx context.Context) error {
		_, err := a.Node.Client().DistributionInspect(ctx, name.String(), dockerclient.DistributionInspectOptions{EncodedRegistryAuth: header})
		if err == nil || !outOfReach.MatchString(err.Error()) {
			return nil
		}
		return &EngineError{Message: progress.Clean(err.Error())}
	})
	return err
}
