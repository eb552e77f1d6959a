//go:build e2e

package e2e

import (
	"net/http"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/faultproxy"
	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// untagging is a published image with tags for its platforms, and a proxy before its registry.
type untagging struct {
	*client
	*faultproxy.Proxy

	registry *oracle.Registry
	repo     string
	ref      string
}

func newUntagging(t *testing.T, address string) *untagging {
	t.Helper()
	u := &untagging{client: newClient(t), registry: &oracle.Registry{Base: "http://" + address}, repo: repository(t)}
	w := writer{t, u.repo, u.registry}
	w.list(tag, "386", "amd64")
	for _, architecture := range []string{"386", "amd64"} {
		w.image(tag+"-linux-"+architecture, architecture)
	}
	u.Proxy = faultproxy.New(oracle.NewJournal("http://"+address), tag)
	u.ref = listen(t, "127.0.0.1", nil, u.Proxy) + "/" + u.repo + ":" + tag
	return u
}

// untag asserts that the image is whole whatever became of the tags, and returns those.
func (u *untagging) untag(t *testing.T) (result, []string) {
	t.Helper()
	r := u.docker("multiarch", "untag", u.ref)
	published(t, u.registry, u.repo, tag, bothPlatforms())
	return r, tags(t, u.registry, u.repo)
}

// distribution v3 can delete a tag alone, docker-registry 2.8 can't: there the tags stay, and nothing is broken.
func TestUntag(t *testing.T) {
	t.Parallel()
	all := []string{tag, tag + "-linux-386", tag + "-linux-amd64"}
	for name, left := range map[string][]string{"docker-registry": all, "v3": {tag}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, got := newUntagging(t, registries(t)[name]).untag(t)
			r.succeeded()
			assert.DeepEqual(t, got, left)
		})
	}
}

// A registry that refuses to delete, or does it and is not heard.
func TestUntagUnderFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault faultproxy.Fault
		times int
		code  int
		kept  bool
	}{
		"405":         {faultproxy.Status(http.StatusMethodNotAllowed), 0, 0, true},
		"403":         {faultproxy.Status(http.StatusForbidden), 0, 3, true},
		"400":         {faultproxy.Refuse(http.StatusBadRequest, "UNSUPPORTED"), 0, 0, true},
		"answer lost": {faultproxy.LoseAnswer, 1, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUntagging(t, registries(t)["v3"])
			u.Break(faultproxy.Rule{At: func(s faultproxy.Step) bool { return s.Method == http.MethodDelete }, Times: test.times, Fault: test.fault})
			r, got := u.untag(t)
			assert.Equal(t, r.code, test.code, "%s", r)
			assert.Equal(t, len(got) > 1, test.kept, "%s", got)
			assert.Assert(t, u.Hits() > 0)
		})
	}
}
