//go:build e2e

package e2e

import (
	"testing"

	"gotest.tools/v3/assert"
)

// An old engine would take the lines of a here-document for instructions, and forget named contexts: it is refused with its name, and
// newer ones build it.
func TestSyntaxThatAnEngineLacks(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	here := []string{"RUN <<END", "echo one > /told", "echo two >> /told", "END"}
	for _, refused := range []struct {
		word string
		args []string
	}{
		{"here-document", []string{s.dir(here...)}},
		{"--build-context", []string{"--build-context", "a=" + t.TempDir(), s.dir()}},
	} {
		r := s.push(refused.args...).failed(125, refused.word, "23.0", "# syntax=")
		for _, e := range engines {
			r.says(string(e) + " (engine " + e.version(t) + ")")
		}
	}
	s.unsent()
	// Only the engine that lacks it is named, and only what builds counts.
	mixed := newNodeScene(t, "i386", string(trixie))
	r := mixed.push("--node", "linux/386:i386", "--node", "linux/amd64:trixie", "--platform", "linux/386,linux/amd64", mixed.dir(here...)).failed(125, "i386")
	assert.Assert(t, len(r.stderr) > 0)
	mixed.unsent()

	c, args := newEngines(t)
	dir := files{"Dockerfile": dockerfile(append(here, "FROM scratch", "COPY --from=base /told /")...)}.dir(t)
	got := c.told(both, append(args, dir)...)
	assert.DeepEqual(t, got, map[string]files{"linux/amd64": {"told": "one\ntwo"}, "linux/386": {"told": "one\ntwo"}})
}

// everything is a build that needs all at once: secrets, ssh, a named context, a cache, a here-document and arguments that differ by
// platform. It gives the client what it takes, and returns the flags with the build context, and what the build tells on a platform.
func everything(t *testing.T, c *client, differs string) (flags []string, told func(platform string) files) {
	t.Helper()
	socket, public, _ := agent(t)
	c.env["SSH_AUTH_SOCK"], c.env["E2E_SECRET"] = socket, "hidden"
	dir := files{"ask.go": askAgent, "Dockerfile": dockerfile(
		"ARG TARGETARCH", "ARG FLAVOUR", "COPY --from=lib lib /", "COPY ask-* /",
		"RUN --mount=type=secret,id=s --mount=type=ssh --mount=type=cache,target=/cache <<END",
		"mkdir /told; cp /lib /told/lib; echo $FLAVOUR > /told/flavour",
		"wc -c < /run/secrets/s > /told/secret; /ask-$TARGETARCH > /told/ssh; date >> /cache/runs", "END",
		"FROM scratch", "COPY --from=base /told /",
	)}.dir(t)
	buildAsk(t, dir)
	flags = []string{
		"--build-context", "lib=" + files{"lib": "named"}.dir(t), "--secret", "id=s,env=E2E_SECRET", "--ssh", "default",
		"--build-arg", "FLAVOUR=plain", "--build-arg", differs + ":FLAVOUR=own", dir,
	}
	return flags, func(platform string) files {
		all := files{"lib": "named", "flavour": "plain", "secret": "6", "ssh": public}
		if platform == differs {
			all["flavour"] = "own"
		}
		return all
	}
}

// All at once, in one command, on two real engines of different versions; the same for two architectures of machines is
// TestEverythingAtOnceOnArm.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	c, args := newEngines(t)
	flags, told := everything(t, c, "linux/386")

	got := c.told(both, append(args, flags...)...)

	assert.DeepEqual(t, got, map[string]files{"linux/amd64": told("linux/amd64"), "linux/386": told("linux/386")})

	c.haveContexts("amd64", "i386")
	r := c.build(flags...).failed(125, "here-document", "--build-context")
	for _, e := range engines {
		r.says(string(e) + " (engine " + e.version(t) + ")")
	}
}
