//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"
)

// An engine that can is asked about the Dockerfile, once for each Dockerfile there is, and builds nothing.
func TestCall(t *testing.T) {
	t.Parallel()
	s, args := newModern(t)
	good := s.dir("ARG FLAVOUR=plain", "FROM base AS extra", "RUN touch /extra")
	bad := s.dir("MAINTAINER e2e")
	ask := func(args ...string) result { return s.build(append(args, "-t", s.ref())...) }

	r := ask(append(args, "--check", good)...).succeeded()
	assert.Assert(t, is.Contains(r.stdout, "no warnings found"))
	for _, flag := range []string{"--check", "--call=check"} {
		r = ask(append(args, flag, bad)...)
		assert.Equal(t, r.code, 4, "%s", r)
		assert.Equal(t, strings.Count(r.stdout, "MaintainerDeprecated"), 1, "%s", r)
	}
	r = ask(append(args, "--call=targets", "--target=base", good)...).succeeded()
	assert.Assert(t, is.Contains(r.stdout, "extra (default)"))
	r = ask(append(args, "--call=outline,format=json", "--build-arg", "FLAVOUR=own", good)...).succeeded()
	var outline struct {
		Args []struct{ Name, Value string }
	}
	assert.NilError(t, json.Unmarshal([]byte(r.stdout), &outline), "%s", r)
	assert.Assert(t, is.Contains(outline.Args, struct{ Name, Value string }{"FLAVOUR", "own"}))
	r = ask(append(args, "--check", "-f", good+"/Dockerfile", "-f", "linux/386:"+bad+"/Dockerfile", good)...)
	assert.Equal(t, r.code, 4, "%s", r)
	assert.Assert(t, is.Contains(r.stdout, "no warnings found"))
	assert.Equal(t, strings.Count(r.stdout, "MaintainerDeprecated"), 1, "%s", r)

	r = ask(append(args, "--check", s.dir("MAINTAINER e2e", "COPY --from=base /a /b"))...)
	assert.Equal(t, r.code, 1, "%s", r)
	assert.Equal(t, strings.Count(r.stdout, "MaintainerDeprecated"), 1, "%s", r)
	assert.Assert(t, is.Contains(r.stderr, ">>> COPY --from=base /a /b"))
	assert.Assert(t, is.Contains(r.stderr, "circular dependency"))

	s.push(append(args, "--check", good)...).failed(125, "--call")
	ask(append(args, "--call=nonsense", good)...).failed(125, "--call")
	s.unsent()
}

// A question needs the login for a private base image as a build does, and answers with the same words where it is missing.
func TestCallWithAPrivateBaseImage(t *testing.T) {
	t.Parallel()
	s, args := newModern(t)
	args = append(args, "--check", "-t", s.ref(), files{"Dockerfile": privateDockerfile(t)}.dir(t))
	s.build(args...).failed(3, farm.private, "docker login "+farm.private)
	logins["config.json"](s.client, farm.password)
	r := s.build(args...).succeeded()
	assert.Assert(t, is.Contains(r.stdout, "no warnings found"))
	assert.Assert(t, !strings.Contains(r.stdout+r.stderr, farm.password))
	s.unsent()
}

// Older engines would build instead.
func TestCallIsRefused(t *testing.T) {
	t.Parallel()
	for _, e := range []engine{"amd64", trixie} {
		s := newNodeScene(t, string(e))
		s.build("-t", s.ref(), "--check", s.dir()).failed(125, "--call: node "+string(e)+" (engine "+e.version(t)+")", "27.0", "# syntax=")
		s.unsent()
	}
}
