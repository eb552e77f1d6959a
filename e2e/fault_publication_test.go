//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/faultproxy"
	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// A publication has the steps that the mishaps are for, at both registries.
func TestStepsOfAPublication(t *testing.T) {
	t.Parallel()
	for name, address := range registries(t) {
		for way, want := range map[string][]faultproxy.Step{"copied": stepsCopied, "mounted": stepsMounted, "tokens": stepsOfTokens} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				p := newPublication(newClient(t), address, repository(t), way == "mounted", way == "tokens")
				published, err := p.judge(p.publish().succeeded())
				assert.NilError(t, err)
				assert.Assert(t, published)
				assert.Equal(t, p.journal.TagPuts(p.repo, tag), 1)
				assert.DeepEqual(t, names(p.Steps()), names(want))
			})
		}
	}
}

// names are the steps, each once.
func names(all []faultproxy.Step) []string {
	found := map[string]bool{}
	for _, step := range all {
		found[step.String()] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// sample are the mishaps that scripts/test runs, at one registry or the other by turns; scripts/soak runs all at both.
var sample = []string{
	"copied, GET ping, 403 always", "copied, POST upload, 403 always", "copied, PUT digest, 404 always", "copied, GET tag, 401 always",
	"copied, PUT tag, 403 always", "copied, GET tag after, 403 always", "copied, HEAD blob, 503", "copied, GET blob, 429 Retry-After 1",
	"copied, PUT tag, 429 Retry-After 400 always", "copied, PUT tag, answer lost always", "copied, PUT session, answer lost",
	"copied, POST upload, broken off before", "copied, GET digest, cut off", "copied, GET digest, one bit changed always",
	"copied, GET digest after, one bit changed always", "copied, GET blob after, endless always", "copied, GET tag after, one bit changed",
	"copied, GET digest, wrong digest in the header always", "copied, GET tag after, stale 2 times", "copied, PUT tag, no lists always",
	"copied, PUT tag, immutable, 409 always", "copied, PUT tag, immutable, 400 always", "copied, PUT tag, 400 MANIFEST_BLOB_UNKNOWN",
	"copied, PATCH session, 400 BLOB_UPLOAD_INVALID", "copied, PATCH session, 500, and no DELETE", "copied, GET blob, redirected",
	"mounted, POST mount, 404 always", "mounted, POST mount, answer lost", "tokens, GET token, 403 always", "tokens, PATCH session, tokens expire",
	"tokens, PUT tag, tokens expire", "tokens, GET tag after, tokens expire",
}

// Whatever breaks in a publication, the tag is as it was or has all of the new image, and the exit code tells which.
func TestPublicationUnderFaults(t *testing.T) {
	t.Parallel()
	addresses, all := registries(t), mishaps()
	if os.Getenv("MULTIARCH_SOAK") != "" {
		prefix := repository(t)
		eachSeedOf(t, 24, 1, uint64(len(all)), func(t *testing.T, c *client, seed uint64) string {
			if seed > uint64(len(all)) {
				return "none"
			}
			m := all[seed-1]
			outcome, err := m.suffer(c, addresses[m.registry], fmt.Sprintf("%s-%d", prefix, seed))
			assert.Check(t, err)
			return outcome
		})
		return
	}
	for i, name := range sample {
		registry := []string{"docker-registry", "v3"}[i%2]
		n := slices.IndexFunc(all, func(m mishap) bool { return m.name == registry+", "+name })
		assert.Assert(t, n >= 0, "no %s", name)
		t.Run(name, func(t *testing.T) {
			m := all[n]
			t.Parallel()
			_, err := m.suffer(newClient(t), addresses[m.registry], repository(t))
			assert.NilError(t, err)
		})
	}
}

// suffer publishes under the mishap, and returns what became of it, or what is wrong with that.
func (m mishap) suffer(c *client, address, repo string) (outcome string, err error) {
	p := newPublication(c, address, repo, m.mounted, m.tokens)
	p.Break(m.rules(p)...)
	r := p.publish()
	published, err := p.judge(r)
	unproven := strings.Contains(r.stderr, "written, but not proven")
	changed := r.code == 6 && strings.Contains(r.stderr, "published sha256:")
	switch {
	case err != nil:
	case p.Hits() == 0:
		err = fmt.Errorf("no request was befallen")
	case r.code == 0 && !published:
		err = fmt.Errorf("the tag has what it had")
	case r.code != 0 && published && !unproven && !changed:
		err = fmt.Errorf("the tag has moved, and nobody is told")
	case r.code != 0 && r.stdout != "":
		err = fmt.Errorf("something on standard output")
	case !slices.Contains(m.codes, r.code):
		err = fmt.Errorf("exit code %d, want %d", r.code, m.codes)
	}
	switch {
	case err != nil:
		return "wrong", fmt.Errorf("%s: %w: %s", m.name, err, r)
	case r.code == 0:
		return "published", nil
	case published:
		return "unproven", nil
	}
	return "clean", nil
}

// The same proxy before engines that push: the first failing read or write is the product's own, the others are tried again.
func TestBuildUnderFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		step  string
		fault faultproxy.Fault
		times int
		code  int
	}{
		"an engine's answer is lost":         {"PUT other", faultproxy.LoseAnswer, 1, 0},
		"the answer to the tag is lost":      {"PUT tag", faultproxy.LoseAnswer, 0, 0},
		"what was pushed is cut off":         {"GET digest", faultproxy.Truncate, 2, 0},
		"what was pushed comes back changed": {"GET digest", faultproxy.Flip, 0, 4},
		"the tag can't be read back":         {"GET tag after", faultproxy.Status(http.StatusForbidden), 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &front{}
			f.Journal = oracle.NewJournal(f.upstream(t))
			proxy := faultproxy.New(f.Journal, tag)
			f.address = listen(t, "127.0.0.1", nil, proxy)
			s := newSceneAt(t, f)
			proxy.Break(faultproxy.Rule{At: faultproxy.At(steps(test.step)[0]), Times: test.times, Fault: test.fault})

			r := s.push(s.dir(ownLayer))

			assert.Assert(t, proxy.Hits() > 0, "no request was befallen")
			switch {
			case test.code == 0:
				digest := digestOf(t, r.succeeded(), s.ref())
				assert.Equal(t, published(t, openRegistry(), s.repo, tag, bothPlatforms()).Digest, digest)
			case strings.HasSuffix(test.step, "after"):
				r.failed(test.code, "written, but not proven")
				assert.Assert(t, published(t, openRegistry(), s.repo, tag, bothPlatforms()).Digest != s.before)
			default:
				r.failed(test.code)
				s.unharmed()
			}
		})
	}
}

// No tag may be moved, and a run that failed has left one: the platform's image gets a tag of this run's own. The target is new.
func TestImmutableTagLeftByAnotherRun(t *testing.T) {
	t.Parallel()
	f := &front{}
	f.Journal = oracle.NewJournal(f.upstream(t))
	proxy := faultproxy.New(f.Journal, tag)
	f.address = listen(t, "127.0.0.1", nil, proxy)
	s := newSceneAt(t, f)
	left := writeTo(t, s.repo).image("2-linux-386", "386")
	proxy.Break(faultproxy.Rule{
		At: func(step faultproxy.Step) bool {
			return step.Method == http.MethodPut && (step.Kind == "tag" || step.Kind == "other")
		},
		Fault: faultproxy.Immutable(http.StatusBadRequest, "TAG_INVALID"),
	})
	ref := f.address + "/" + s.repo + ":2"

	r := s.build("--push", "-t", ref, s.dir(ownLayer))

	digest := digestOf(t, r.succeeded(), ref)
	assert.Equal(t, published(t, openRegistry(), s.repo, "2", bothPlatforms()).Digest, digest)
	now, err := openRegistry().Tag(t.Context(), s.repo, "2-linux-386")
	assert.NilError(t, err)
	assert.Equal(t, now.Digest, left.Digest, "the tag has moved")
	assert.Equal(t, len(tags(t, openRegistry(), s.repo)), 5, "one more tag than usual")

	// The same again finds its images under their tags. A tag of another image is left alone for a node that is relayed, too.
	ref = f.address + "/" + s.repo + ":3"
	dir := s.dir("RUN uname -m > /machine")
	s.build("--push", "-t", ref, dir).succeeded()
	had := tags(t, openRegistry(), s.repo)
	s.build("--push", "-t", ref, dir).succeeded()
	assert.DeepEqual(t, tags(t, openRegistry(), s.repo), had)
	writeTo(t, s.repo).image("4-linux-386", "386")
	s.build("--push", "-t", f.address+"/"+s.repo+":4", "--relay", "i386", dir).succeeded()
	published(t, openRegistry(), s.repo, "4", bothPlatforms())
	assert.Equal(t, len(tags(t, openRegistry(), s.repo)), len(had)+4, "one more tag than usual")

	// The target itself is refused.
	s.push(s.dir(ownLayer)).failed(6, s.ref(), "immutable")
	s.sameTag()
}
