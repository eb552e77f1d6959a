//go:build e2e

package e2e

import (
	"testing"
	"time"

	"gotest.tools/v3/assert"
)

// scene is a build that is going to fail, and what it must leave as it was: a tag that others use, and engines without traces of it.
type scene struct {
	*client

	front  *front
	repo   string
	label  string
	marks  []string
	before string   // The digest of the tag.
	alive  []engine // The engines that can be asked.
}

const tag = "1"

// newScene has an image for both platforms under the tag.
func newScene(t *testing.T) *scene {
	t.Helper()
	return newSceneAt(t, newFront(t))
}

func newSceneAt(t *testing.T, f *front) *scene {
	t.Helper()
	s := &scene{client: newClient(t), front: f, repo: repository(t), label: "e2e=" + newMark(), alive: engines}
	s.before = writeTo(t, s.repo).list(tag, "386", "amd64").Digest
	return s
}

// ref is the target.
func (s *scene) ref() string { return s.front.address + "/" + s.repo + ":" + tag }

// mark is for a `sleep` that must not go on when the build has ended.
func (s *scene) mark() string {
	mark := newMark()
	s.marks = append(s.marks, mark)
	return mark
}

// dockerfile labels the images, so that traces of this build are told from those of others.
func (s *scene) dockerfile(lines ...string) string {
	return dockerfile(append([]string{"LABEL " + s.label}, lines...)...)
}

// dir is a build context with nothing but such a Dockerfile.
func (s *scene) dir(lines ...string) string {
	return files{"Dockerfile": s.dockerfile(lines...)}.dir(s.t)
}

// push builds and pushes to the target.
func (s *scene) push(args ...string) result {
	s.t.Helper()
	return s.build(s.pushing(args...)...)
}

func (s *scene) pushing(args ...string) []string {
	return append([]string{"--push", "-t", s.ref()}, args...)
}

// startPush is push for tests that do something meanwhile.
func (s *scene) startPush(args ...string) *process {
	s.t.Helper()
	return s.start(append([]string{"multiarch", "build"}, s.pushing(args...)...)...)
}

// unharmed asserts what every failure owes: the tag as it was and not even tried, nothing running on, no nameless images.
func (s *scene) unharmed() {
	s.t.Helper()
	assert.Check(s.t, s.front.TagPuts(s.repo, tag) == 0, "the tag was written")
	s.cleanedUp()
	s.sameTag()
}

// sameTag asserts that the tag leads to where it led before.
func (s *scene) sameTag() {
	s.t.Helper()
	now, err := openRegistry().Tag(s.t.Context(), s.repo, tag)
	assert.NilError(s.t, err)
	assert.Equal(s.t, now.Digest, s.before, "the tag has moved")
}

// cleanedUp asserts that nothing is left on the engines.
func (s *scene) cleanedUp() {
	s.t.Helper()
	waitForEnd(s.t, time.Minute, s.marks...) // As the contract bounds it.
	for _, e := range s.alive {
		assert.Check(s.t, e.dangling(s.t, s.label) == "", "%s keeps nameless images", e)
	}
}

// unsent asserts that the failure came before anything was sent to an engine or written to the registry.
func (s *scene) unsent() {
	s.t.Helper()
	assert.Check(s.t, len(s.front.writes()) == 0, "%q", s.front.writes())
	for _, e := range s.alive {
		assert.Check(s.t, e.docker(s.t, "image", "ls", "-q", "--filter", "label="+s.label) == "", "%s was sent something", e)
	}
	s.unharmed()
}
