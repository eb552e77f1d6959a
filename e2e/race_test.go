//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/faultproxy"
	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

const mostPublishers = 8

// track is where publishers race: a repository with the images that each of them makes its index of.
type track struct {
	registry string
	repo     string
	sources  [mostPublishers][]string
	digests  [mostPublishers]string // Of the indexes.
}

// newTrack asks the product itself for the bytes of each index, and publishes none.
func newTrack(t *testing.T, registry, repo string) *track {
	t.Helper()
	c, k := newClient(t), &track{registry: registry, repo: repo}
	w := writer{t, repo, &oracle.Registry{Base: "http://" + registry}}
	for i := range k.sources {
		for _, architecture := range []string{"386", "amd64"} {
			k.sources[i] = append(k.sources[i], "/"+repo+"@"+w.layered(architecture, fmt.Sprintf("publisher %d", i)).Digest)
		}
		r := c.docker(append([]string{"multiarch", "create", "--dry-run"}, k.from(i, registry)...)...).succeeded()
		k.digests[i] = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(strings.TrimSuffix(r.stdout, "\n"))))
	}
	return k
}

func (k *track) from(publisher int, address string) (refs []string) {
	for _, source := range k.sources[publisher] {
		refs = append(refs, address+source)
	}
	return refs
}

// race is one round: publishers who all want one tag.
type race struct {
	*track
	*faultproxy.Proxy

	c          *client
	journal    *oracle.Journal
	address    string
	tag        string
	before     string
	publishers int
	guarded    bool
}

func newRace(c *client, k *track, seed uint64) *race {
	c.t.Helper()
	r := &race{track: k, c: c, tag: fmt.Sprintf("round-%d", seed), publishers: 2 + int(seed)%(mostPublishers-1), guarded: seed%3 == 0}
	r.journal = oracle.NewJournal("http://" + k.registry)
	r.Proxy = faultproxy.New(r.journal, r.tag)
	r.address = listen(c.t, "127.0.0.1", nil, r.Proxy)
	r.before = (writer{c.t, k.repo, r.oracle()}).list(r.tag, "386", "amd64").Digest

	random := rand.New(rand.NewPCG(seed, 7))
	r.Break(faultproxy.Rule{
		At:    func(faultproxy.Step) bool { return true },
		Fault: faultproxy.Delay(func() time.Duration { return time.Duration(random.IntN(30)) * time.Millisecond }),
	})
	return r
}

func (r *race) oracle() *oracle.Registry { return &oracle.Registry{Base: "http://" + r.registry} }

// run has all publish at once, and looks what the tag has all the while.
func (r *race) run() (results []result, seen []string, err error) {
	var all []*process
	for i := range r.publishers {
		args := []string{"multiarch", "create", "-t", r.address + "/" + r.repo + ":" + r.tag}
		if r.guarded {
			args = append(args, "--if-unchanged")
		}
		all = append(all, r.c.start(append(args, r.from(i, r.address)...)...))
	}
	ctx, end := context.WithCancel(r.c.t.Context())
	watch := errgroup.Group{}
	watch.Go(func() (err error) {
		seen, err = r.watch(ctx)
		return err
	})
	for _, p := range all {
		results = append(results, p.wait())
	}
	end()
	return results, seen, watch.Wait()
}

// watch returns what the tag had, until ctx ends. That docker-registry 2.8 fails in the very moment when a tag is written is its own.
func (r *race) watch(ctx context.Context) (seen []string, err error) {
	for ctx.Err() == nil {
		now, err := r.oracle().Tag(ctx, r.repo, r.tag)
		if err == nil && !slices.Contains(seen, now.Digest) {
			seen = append(seen, now.Digest)
		}
		if _, lie := errors.AsType[*oracle.ViolationError](err); lie {
			return seen, err
		}
	}
	return seen, nil
}

// judge says what is wrong after a round, and how many publishers heard that another was faster.
func (r *race) judge(results []result, seen []string) (beaten int, err error) {
	image, err := r.oracle().Check(r.c.t.Context(), r.repo, r.tag, bothPlatforms())
	if err != nil {
		return 0, err
	}
	digests := r.digests[:r.publishers]
	for _, one := range seen {
		if one != r.before && !slices.Contains(digests, one) {
			return 0, fmt.Errorf("the tag had %s, which is nobody's", one)
		}
	}
	for i, p := range results {
		switch {
		case p.code == 0 && strings.HasSuffix(p.stdout, "@"+digests[i]+"\n"):
			continue
		case p.code == 6 && r.names(p.stderr, digests[i], digests):
			beaten++
		default:
			return 0, fmt.Errorf("publisher %d of %s: %s", i, digests[i], p)
		}
		if image.Digest == digests[i] {
			return 0, fmt.Errorf("publisher %d has won and does not know: %s", i, p)
		}
	}
	switch {
	case !slices.Contains(digests, image.Digest):
		return 0, fmt.Errorf("the tag has %s in the end, which is nobody's", image.Digest)
	case r.journal.TagPuts(r.repo, r.tag) > r.publishers:
		return 0, fmt.Errorf("%d publishers sent %d PUTs", r.publishers, r.journal.TagPuts(r.repo, r.tag))
	}
	return beaten, nil
}

// names tells whether a loser hears who won: after it wrote itself, or instead.
func (r *race) names(stderr, own string, all []string) bool {
	for _, other := range all {
		if other != own && strings.Contains(stderr, "published "+own+", found "+other) {
			return true
		}
	}
	// Whoever began late had another publisher's image at the start.
	for _, had := range slices.Concat(all, []string{r.before}) {
		for _, has := range all {
			if r.guarded && had != has && strings.Contains(stderr, "it had "+had+", it has "+has+"; nothing was published") {
				return true
			}
		}
	}
	return false
}

// However many publish one tag at once, it has one's whole image at any time, and whoever is beaten and can know it is told by whom.
func TestConcurrentPublishers(t *testing.T) {
	t.Parallel()
	tracks, addresses, prefix := map[string]*track{}, registries(t), repository(t)
	for name, address := range addresses {
		tracks[name] = newTrack(t, address, prefix+"-"+name)
	}
	eachSeedOf(t, 2, 1, 6, func(t *testing.T, c *client, seed uint64) string {
		r := newRace(c, tracks[[]string{"docker-registry", "v3"}[seed%2]], seed)
		results, seen, err := r.run()
		beaten := 0
		if err == nil {
			beaten, err = r.judge(results, seen)
		}
		switch {
		case !assert.Check(t, err, "seed %d", seed):
			return "wrong"
		case beaten > 0:
			return "noticed"
		}
		return "unnoticed" // Each was done before the next one wrote.
	})
}
