// Package windows is a stand-in for a Docker engine on Windows, for tests on machines where none can run. It is not an engine and
// runs nothing: no RUN, no container. It says what such an engine says, and takes what such an engine takes: a build of the
// classic builder, the files of its images, tags, a push.
//
// What is real: base images are pulled from a registry and images are pushed to one, with the os, os.version and os.features of
// the base image, layers laid out as Windows engines lay them out, and manifests that anyone can read. The stock docker command
// builds and pushes with it as it is.
//
// Each answer names the function of the engine that it follows; the files are those of github.com/docker/docker v28.5.2, the last
// engine whose source is published as a Go module. What it lacks it refuses, and never pretends.
package windows
