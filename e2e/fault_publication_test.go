//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/faultproxy"
)

// The steps of a publication. TestStepsOfAPublication sees that there are no others.
var (
	stepsCopied = steps("GET ping", "HEAD blob", "POST upload", "PATCH session", "PUT session", "GET digest", "PUT digest", "GET blob",
		"GET tag", "PUT tag", "GET digest after", "GET blob after", "HEAD blob after", "GET tag after")
	stepsMounted = steps("GET ping", "HEAD blob", "POST mount", "GET digest", "PUT digest", "GET blob",
		"GET tag", "PUT tag", "GET digest after", "GET blob after", "HEAD blob after", "GET tag after")
)

func steps(names ...string) (all []faultproxy.Step) {
	for _, name := range names {
		words := strings.Fields(name)
		all = append(all, faultproxy.Step{Method: words[0], Kind: words[1], After: len(words) == 3})
	}
	return all
}

// mishap is one fault at one step of a publication.
type mishap struct {
	name            string
	registry        string
	mounted, tokens bool
	rules           func(*publication) []faultproxy.Rule
	codes           []int // The exit codes that are right.
	slow            bool  // It takes more than a few seconds: retries are spent, or a limit of time is reached.
}

// mishaps are all of them, always in the same order.
func mishaps() (all []mishap) {
	for _, registry := range []string{"docker-registry", "v3"} {
		for _, way := range []struct {
			name            string
			mounted, tokens bool
			steps           []faultproxy.Step
		}{
			{"copied", false, false, stepsCopied},
			{"mounted", true, false, stepsMounted},
			{"copied with tokens", false, true, append(steps("GET token"), stepsCopied...)},
			{"mounted with tokens", true, true, append(steps("GET token"), stepsMounted...)},
		} {
			for _, step := range way.steps {
				for _, m := range at(step, way.tokens) {
					m.name = strings.Join([]string{registry, way.name, step.String(), m.name}, ": ")
					m.registry, m.mounted, m.tokens = registry, way.mounted, way.tokens
					all = append(all, m)
				}
			}
		}
	}
	return all
}

// at are the faults that can befall a step.
func at(step faultproxy.Step, tokens bool) (all []mishap) {
	add := func(name string, fault faultproxy.Fault, times int, codes ...int) {
		rule := faultproxy.Rule{At: faultproxy.At(step), Times: times, Fault: fault}
		all = append(all, mishap{
			name: name + map[int]string{0: ", always", 1: ", once", 2: ", twice"}[times], codes: codes,
			rules: func(*publication) []faultproxy.Rule { return []faultproxy.Rule{rule} },
		})
	}
	for _, status := range []int{401, 403, 404} {
		add(fmt.Sprint(status), faultproxy.Status(status), 1, 0, 3)
		add(fmt.Sprint(status), faultproxy.Status(status), 0, 0, 3)
	}
	for _, status := range []int{429, 500, 502, 503, 504} {
		add(fmt.Sprint(status), faultproxy.Status(status), 1, 0)
		add(fmt.Sprint(status), faultproxy.Status(status), 0, 3)
	}
	if tokens {
		return all
	}
	return all
}

func (m mishap) suffer(t *testing.T, c *client, address, repo string) (outcome string, err error) {
	p := newPublication(c, address, repo, m.mounted, m.tokens)
	p.Break(m.rules(p)...)
	r := p.publish()
	published, err := p.judge(r)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w: %s", m.name, err, r)
	case r.code == 0 && !published, r.code != 0 && published && !strings.Contains(r.stderr, "not proven"):
		return "", fmt.Errorf("%s: exit code %d, and the tag published: %v: %s", m.name, r.code, published, r)
	case !slices.Contains(m.codes, r.code):
		return "", fmt.Errorf("%s: exit code %d, want %d: %s", m.name, r.code, m.codes, r)
	case p.Hits() == 0:
		return "", fmt.Errorf("%s: no request was befallen", m.name)
	}
	return fmt.Sprintf("code%d", r.code), nil
}

var _ = http.StatusOK
var _ = time.Now

func TestPublicationUnderFaults(t *testing.T) {
	t.Parallel()
	all := mishaps()
	addresses := registries(t)
	prefix := repository(t)
	t.Log(len(all))
	eachSeed(t, 1, 24, func(t *testing.T, c *client, seed uint64) string {
		m := all[seed-1]
		outcome, err := m.suffer(t, c, addresses[m.registry], fmt.Sprintf("%s-%d", prefix, seed))
		if !assert.Check(t, err) {
			return "wrong"
		}
		t.Log(m.name, outcome)
		return outcome
	})
}
