package oracle

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// platform is the platform of a descriptor or config, with the names that both use in JSON.
type platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
	OSVersion    string `json:"os.version"`
}

var platformForm = regexp.MustCompile(`^([^/()]+)(?:\(([^/()]+)\))?/([^/()]+)(?:/([^/()]+))?$`)

func parsePlatform(text string) (platform, error) {
	m := platformForm.FindStringSubmatch(text)
	if m == nil {
		return platform{}, fmt.Errorf("parsing platform %q: want os[(osversion)]/arch[/variant]", text)
	}
	return platform{OS: m[1], OSVersion: m[2], Architecture: m[3], Variant: m[4]}.normal(), nil
}

// normal returns the one spelling of a platform that has several. The base level of amd64 (v1) and arm64 (v8) is what is meant
// when there is no variant: engine 20.10's classic builder writes arm64's v8 down, BuildKit leaves it out. An arm image without
// a variant is taken for v7 by every engine that pulls it, so v7 it is. Aliases such as x86_64 are no spelling: in an image they
// are wrong.
func (p platform) normal() platform {
	switch {
	case p.Architecture == "amd64" && p.Variant == "v1", p.Architecture == "arm64" && p.Variant == "v8":
		p.Variant = ""
	case p.Architecture == "arm" && p.Variant == "":
		p.Variant = "v7"
	}
	return p
}

// String writes a platform in the form of [Want].
func (p platform) String() string {
	text := p.OS
	if p.OSVersion != "" {
		text += "(" + p.OSVersion + ")"
	}
	text += "/" + p.Architecture
	if p.Variant != "" {
		text += "/" + p.Variant
	}
	return text
}

func (p platform) isUnknown() bool { return p.OS == "unknown" && p.Architecture == "unknown" }

// compare orders platforms as an index must: by os, architecture and variant, and the newest os.version first, because Windows
// hosts take the first child that they can run.
func (p platform) compare(q platform) int {
	return cmp.Or(
		cmp.Compare(p.OS, q.OS),
		cmp.Compare(p.Architecture, q.Architecture),
		cmp.Compare(p.Variant, q.Variant),
		compareVersions(q.OSVersion, p.OSVersion),
	)
}

// compareVersions compares dotted numbers as numbers: 10.0.9 is older than 10.0.10. No version is the oldest.
func compareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		m, errA := strconv.ParseUint(as[i], 10, 64)
		n, errB := strconv.ParseUint(bs[i], 10, 64)
		order := cmp.Compare(m, n)
		if errA != nil || errB != nil {
			order = cmp.Compare(as[i], bs[i])
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(len(as), len(bs))
}
