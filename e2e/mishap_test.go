//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/docker-multiarch/docker-multiarch/e2e/faultproxy"
)

// The steps of a publication. TestStepsOfAPublication sees that there are no others.
var (
	stepsCopied = steps("GET ping", "HEAD blob", "POST upload", "PATCH session", "PUT session", "GET digest", "PUT digest", "GET blob",
		"GET tag", "PUT tag", "GET digest after", "GET blob after", "HEAD blob after", "GET tag after")
	stepsMounted = steps("GET ping", "HEAD blob", "POST mount", "GET digest", "PUT digest", "GET blob",
		"GET tag", "PUT tag", "GET digest after", "GET blob after", "HEAD blob after", "GET tag after")
	stepsOfTokens = append(steps("GET token"), stepsCopied...)
)

func steps(names ...string) (all []faultproxy.Step) {
	for _, name := range names {
		words := strings.Fields(name)
		all = append(all, faultproxy.Step{Method: words[0], Kind: words[1], After: len(words) == 3})
	}
	return all
}

// mishap is a fault at one step of a publication.
type mishap struct {
	name            string
	registry        string
	mounted, tokens bool
	rules           func(*publication) []faultproxy.Rule
	codes           []int // The exit codes that are right.
}

// mishaps are all of them, always in the same order.
func mishaps() (all []mishap) {
	for _, registry := range []string{"docker-registry", "v3"} {
		add := func(way string, step faultproxy.Step, found mishap) {
			found.name = strings.Join([]string{registry, way, step.String(), found.name}, ", ")
			found.registry, found.mounted, found.tokens = registry, way == "mounted", way == "tokens"
			all = append(all, found)
		}
		for _, step := range stepsCopied {
			for _, m := range slices.Concat(statuses(step), connections(step), contents(step), refusals(step)) {
				add("copied", step, m)
			}
		}
		for _, step := range stepsMounted {
			for _, m := range slices.Concat(statuses(step), connections(step)) {
				add("mounted", step, m)
			}
		}
		for _, step := range stepsOfTokens {
			for _, m := range expiries(step) {
				add("tokens", step, m)
			}
		}
		for _, m := range slices.Concat(statuses(stepsOfTokens[0]), connections(stepsOfTokens[0])) {
			add("tokens", stepsOfTokens[0], m)
		}
	}
	return all
}

// befall makes the mishap of one rule. times is as in the rule; 0 is always.
func befall(step faultproxy.Step, name string, fault faultproxy.Fault, times int, codes ...int) mishap {
	return mishap{
		name: name + map[int]string{0: " always", 1: "", 3: " three times"}[times], codes: codes,
		rules: func(*publication) []faultproxy.Rule {
			return []faultproxy.Rule{{At: faultproxy.At(step), Times: times, Fault: fault}}
		},
	}
}

// statuses are answers that say no, for the moment or for good.
func statuses(step faultproxy.Step) (all []mishap) {
	for _, status := range []int{401, 403, 404} {
		all = append(all, befall(step, fmt.Sprint(status), faultproxy.Status(status), 1, 0, 3), befall(step, fmt.Sprint(status), faultproxy.Status(status), 0, lasting(step, status)))
	}
	for _, status := range []int{429, 500, 502, 503, 504} {
		all = append(all, befall(step, fmt.Sprint(status), faultproxy.Status(status), 1, 0), befall(step, fmt.Sprint(status), faultproxy.Status(status), 0, lasting(step, status)))
	}
	const name, tooLong = "Retry-After", "400" // Seconds.
	for _, value := range []string{"1", time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat), "soon"} {
		all = append(all, befall(step, "429 "+name+" "+value, faultproxy.Status(429, name, value), 1, 0))
	}
	return append(all, befall(step, "429 "+name+" "+tooLong, faultproxy.Status(429, name, tooLong), 0, lasting(step, 429)))
}

// lasting is the exit code when a step is always refused: 3, unless a publication can go another way.
func lasting(step faultproxy.Step, status int) int {
	switch {
	case step.Kind == "mount", // The blob is sent instead.
		step.Kind == "ping" && status == 401,         // The registry only wants to know who asks, and then it takes anybody.
		step == steps("GET tag")[0] && status == 404: // There is no such tag yet, then.
		return 0
	}
	return 3
}

// connections are those that break.
func connections(step faultproxy.Step) []mishap {
	lost := 3
	if step.Kind == "mount" || step.Kind == "session" && step.Method == http.MethodPut || step.Method == http.MethodPut {
		lost = 0 // It is found out that the registry did what it was asked.
	}
	return []mishap{
		befall(step, "broken off before", faultproxy.HangUp, 1, 0), befall(step, "broken off before", faultproxy.HangUp, 0, lasting(step, 0)),
		befall(step, "answer lost", faultproxy.LoseAnswer, 1, 0), befall(step, "answer lost", faultproxy.LoseAnswer, 0, lost),
	}
}

// contents are answers whose bytes are not what they should be.
func contents(step faultproxy.Step) (all []mishap) {
	all = append(all, befall(step, "wrong digest in the header", faultproxy.Header("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64)), 0, 0))
	if step.Method != http.MethodGet || step.Kind == "ping" {
		return all
	}
	all = append(all, befall(step, "cut off", faultproxy.Truncate, 1, 0), befall(step, "cut off", faultproxy.Truncate, 0, 3),
		befall(step, "endless", faultproxy.Endless, 0, 4))
	switch step {
	case steps("GET tag")[0]: // Its bytes are of no importance.
		return append(all, befall(step, "one bit changed", faultproxy.Flip, 0, 0))
	case steps("GET tag after")[0]: // Somebody else's, if it stays.
		return append(all, befall(step, "one bit changed", faultproxy.Flip, 1, 0), befall(step, "one bit changed", faultproxy.Flip, 0, 6),
			befall(step, "404 three times", faultproxy.Status(404), 3, 0))
	}
	return append(all, befall(step, "one bit changed", faultproxy.Flip, 0, 4), befall(step, "not seen yet", faultproxy.Status(404), 3, 0))
}

// refusals are the rules of a registry.
func refusals(step faultproxy.Step) []mishap {
	refuse := func(code string, status, times, exit int) mishap {
		return befall(step, fmt.Sprint(status, " ", code), faultproxy.Refuse(status, code), times, exit)
	}
	switch step.String() {
	case "PUT tag":
		return []mishap{
			befall(step, "no lists", faultproxy.RefuseTypes(http.StatusBadRequest, dockerList, ociIndex), 0, 4),
			befall(step, "no such media type", faultproxy.RefuseTypes(http.StatusUnsupportedMediaType, dockerList, ociIndex), 0, 4),
			befall(step, "immutable, 409", faultproxy.Immutable(http.StatusConflict, "DENIED"), 0, 6),
			befall(step, "immutable, 412", faultproxy.Immutable(http.StatusPreconditionFailed, "PRECONDITION"), 0, 6),
			befall(step, "immutable, 400", faultproxy.Immutable(http.StatusBadRequest, "TAG_INVALID"), 0, 6),
			refuse("MANIFEST_BLOB_UNKNOWN", 404, 3, 0), refuse("MANIFEST_BLOB_UNKNOWN", 400, 1, 0), refuse("MANIFEST_UNKNOWN", 404, 1, 0),
			refuse("MANIFEST_INVALID", 400, 0, 4), refuse("SIZE_INVALID", 413, 0, 4),
			unseenAfter("answer lost, and nothing can be read"),
		}
	case "PATCH session":
		return []mishap{refuse("BLOB_UPLOAD_UNKNOWN", 404, 3, 0), refuse("BLOB_UPLOAD_INVALID", 400, 1, 0), withoutDelete()}
	case "PUT session":
		return []mishap{refuse("BLOB_UPLOAD_UNKNOWN", 404, 3, 0), refuse("BLOB_UPLOAD_INVALID", 400, 1, 0)}
	case "GET tag after":
		return []mishap{stale(3, 0), stale(0, 3)}
	case "GET blob":
		return []mishap{elsewhere()}
	}
	return nil
}

// unseenAfter is a registry that answers nothing from the PUT of the tag on.
func unseenAfter(name string) mishap {
	return mishap{name: name, codes: []int{3}, rules: func(*publication) []faultproxy.Rule {
		return []faultproxy.Rule{
			{At: faultproxy.At(steps("PUT tag")[0]), Fault: faultproxy.LoseAnswer},
			{At: func(s faultproxy.Step) bool { return s.After }, Fault: faultproxy.HangUp},
		}
	}}
}

// withoutDelete is an upload that fails in the middle at a registry that lets no upload be cancelled.
func withoutDelete() mishap {
	return mishap{name: "500, and no DELETE", codes: []int{0}, rules: func(*publication) []faultproxy.Rule {
		return []faultproxy.Rule{
			{At: faultproxy.At(steps("PATCH session")[0]), Times: 1, Fault: faultproxy.Status(500)},
			{At: func(s faultproxy.Step) bool { return s.Method == http.MethodDelete }, Fault: faultproxy.Status(405)},
		}
	}}
}

// stale is a tag that has what it had for some more readings after it was written, or for ever.
func stale(times, code int) mishap {
	name := "stale always"
	if times > 0 {
		name = fmt.Sprintf("stale %d times", times-1)
	}
	return mishap{name: name, codes: []int{code}, rules: func(*publication) []faultproxy.Rule {
		read := func(s faultproxy.Step) bool { return s.Method == http.MethodGet && s.Kind == "tag" }
		return []faultproxy.Rule{{At: read, Times: times, Fault: faultproxy.Stale()}}
	}}
}

// elsewhere is a registry that keeps blobs at another place.
func elsewhere() mishap {
	return mishap{name: "redirected", codes: []int{0}, rules: func(p *publication) []faultproxy.Rule {
		place := "http://" + listen(p.t, "127.0.0.1", nil, p.journal)
		return []faultproxy.Rule{{At: func(s faultproxy.Step) bool { return s.Method == http.MethodGet && s.Kind == "blob" }, Fault: faultproxy.Redirect(place)}}
	}}
}

// expiries are tokens that expire before a step. One is renewed, but not if it was never good.
func expiries(step faultproxy.Step) []mishap {
	expire := func(name string, times int, codes ...int) mishap {
		return mishap{name: name, codes: codes, rules: func(p *publication) []faultproxy.Rule {
			return []faultproxy.Rule{{At: faultproxy.At(step), Times: times, Fault: p.tokens.Expire}}
		}}
	}
	if step.Kind == "token" || step.Kind == "ping" {
		return []mishap{expire("tokens expire", 0, 0)}
	}
	if step == steps("HEAD blob")[0] { // The first of them has a token that was just given.
		return []mishap{expire("tokens expire", 1, 0, 3), expire("tokens expire always", 0, 3)}
	}
	return []mishap{expire("tokens expire", 1, 0), expire("tokens expire always", 0, 3)}
}
