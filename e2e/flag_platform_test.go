//go:build e2e

package e2e

import (
	"path/filepath"
	"testing"

	"gotest.tools/v3/assert"
)

// Values for one platform, of the flags that any engine knows; the other flags' are in the tests of those.
func TestValuesOfAPlatform(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir(
		"ARG EVERY=no", "ARG ONE=default", "ARG OWN", `RUN echo "$EVERY,$ONE,$OWN" > /args`,
		"FROM base AS first", "RUN touch /first", "FROM base AS second", "RUN touch /second",
	)

	digestOf(t, s.push(
		"--build-arg", "linux/386:ONE=386", "--build-arg", "EVERY=yes", "--build-arg", "ONE=every", "--build-arg", "*:OWN=linux/386:x",
		"--label", "linux/amd64:own=amd64", "--label", "own=all", "--label", "linux/386:more=a:b", "--target", "first", "--target", "linux/386:second", dir,
	).succeeded(), s.ref())

	content := contentOf(t, openRegistry(), s.repo, tag)
	for platform, want := range map[string]struct{ stage, other, own, more string }{
		"linux/amd64": {"first", "second", "amd64", ""}, "linux/386": {"second", "first", "all", "a:b"},
	} {
		_, ok := content[platform][want.stage]
		assert.Assert(t, ok, "%s lacks %s", platform, want.stage)
		_, ok = content[platform][want.other]
		assert.Assert(t, !ok, "%s has %s", platform, want.other)
		for _, child := range published(t, openRegistry(), s.repo, tag, bothPlatforms()).Children {
			if child.Platform == platform {
				assert.Equal(t, child.Labels["own"], want.own)
				assert.Equal(t, child.Labels["more"], want.more)
			}
		}
	}
	assert.Equal(t, engine("amd64").run(t, s.ref(), "cat", "/args"), "yes,every,linux/386:x")
	assert.Equal(t, engine("i386").run(t, s.ref(), "cat", "/args"), "yes,386,linux/386:x")
}

// A value for a platform that is not built would be without effect, so it is a mistake, for whichever flag.
func TestValuesOfAPlatformThatIsNotBuilt(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	dir := s.dir()
	for flag, value := range map[string]string{
		"file": filepath.Join(dir, "Dockerfile"), "build-arg": "A=b", "label": "a=b", "target": "base", "annotation": "a=b", "secret": "id=a,src=/etc/hostname",
		"ssh": "default", "build-context": "a=" + dir, "cache-from": "a/b", "cache-to": "type=inline", "add-host": "a:10.0.0.1", "network": "none",
		"output": "type=image",
	} {
		s.push("--"+flag, "linux/arm64:"+value, dir).failed(125, "--"+flag+" linux/arm64:", "is not built")
	}
	s.unsent()
	// linux/arm would be every variant of it.
	s.push("--build-arg", "linux/arm:A=b", dir).failed(125, "linux/arm", "is not built")
}
