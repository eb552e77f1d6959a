package node

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker-multiarch/docker-multiarch/contexts"
	"github.com/docker-multiarch/docker-multiarch/contexts/config"
)

// advice is something about a node that its owner may want to change. The code
// stays the same from version to version.
type advice struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// maxSkew is how far an engine's clock may be off.
const maxSkew = time.Minute

// fixes are the first engine versions in which vulnerabilities were fixed that
// a Dockerfile, a build context or a frontend could exploit.
var fixes = []struct {
	builder contexts.Builder
	version string
	what    string
}{
	// https://github.com/moby/moby/releases/tag/v25.0.2; the release notes of
	// 24.0.9 say that it does not have them.
	{contexts.BuildKit, "25.0.2", "CVE-2024-23650, CVE-2024-23651, CVE-2024-23652, CVE-2024-23653"},
	// GHSA-4c29-8rgm-jvjj and GHSA-4vrq-3vrq-g6gg, fixed in BuildKit 0.28.1.
	// Engine 29.1.4 has 0.26.3 (docs.docker.com/engine/release-notes/29); that
	// 29.3.1 is the first with 0.28.1 is from others' change logs.
	{contexts.BuildKit, "29.3.1", "CVE-2026-33747, CVE-2026-33748"},
	// https://github.com/moby/moby/discussions/53829
	{contexts.BuildKit, "29.8.2", "GHSA-9728-qjrv-2xh2, GHSA-mgqf-486f-49vp"},
	// https://github.com/moby/moby/releases/tag/v24.0.9, GHSA-xw73-rw38-6vjc;
	// 25.0.0 and 25.0.1, which don't have it either, were out for days only.
	{contexts.Classic, "24.0.9", "CVE-2024-24557"},
}

// adviceFor returns the advice about a node; all are the nodes that the user
// has.
func adviceFor(n *contexts.Node, all contexts.Nodes, c *config.Config) []advice {
	var found []advice
	add := func(code, text string) {
		if text != "" {
			found = append(found, advice{code, text})
		}
	}
	if n.Exposed() {
		add("plain-tcp", plainTCP(n, c))
	}
	add("same-engine", sameEngine(n, all))
	if n.Engine.ID == "" {
		return found
	}
	add("engine-old", oldEngine(n.Engine))
	add("clock", wrongClock(n.Engine.Skew))
	if n.Engine.Builder == contexts.Classic {
		add("classic-builder", "the engine has no BuildKit: builds use the classic builder")
	}
	add("image-store", graphDriver(n.Engine))
	return found
}

func plainTCP(n *contexts.Node, c *config.Config) string {
	text := "everything sent to " + oneLine(n.Host) + " can be read and changed on the way; use ssh://, or tcp with TLS"
	if line := c.Node(n.Name).LineOf("insecure"); n.Insecure && line > 0 {
		text += " (" + place(c, line) + " allows logins to go there)"
	}
	return text
}

func sameEngine(n *contexts.Node, all contexts.Nodes) string {
	var others []string
	for _, other := range all {
		sameID := n.Engine.ID != "" && other.Engine.ID == n.Engine.ID
		if other.Name != n.Name && (sameID || (n.Host != "" && other.Host == n.Host)) {
			others = append(others, oneLine(other.Name))
		}
	}
	if len(others) == 0 {
		return ""
	}
	return "the same engine is reached by context " + strings.Join(others, ", ") + "; it counts once"
}

func oldEngine(e contexts.Engine) string {
	var missing []string
	for _, fix := range fixes {
		if fix.builder == e.Builder && older(e.Version, fix.version) {
			missing = append(missing, fix.what+" ("+fix.version+")")
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("engine %s is older than the first release with fixes for %s; update it, unless its distribution has them in this version",
		oneLine(e.Version), strings.Join(missing, ", "))
}

// older says that an engine's version comes before another. What is not a
// number counts as 0; a version that can't be read at all is not older.
func older(version, than string) bool {
	a, b := numbers(version), numbers(than)
	if a[0] == 0 {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// numbers returns the three numbers of a version such as 20.10.24+dfsg1.
func numbers(version string) (all [3]int) {
	for i, part := range strings.SplitN(version, ".", len(all)) {
		end := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' })
		if end >= 0 {
			part = part[:end]
		}
		all[i], _ = strconv.Atoi(part) // 0 then
	}
	return all
}

func wrongClock(skew time.Duration) string {
	if skew.Abs() <= maxSkew {
		return ""
	}
	side := "ahead of"
	if skew < 0 {
		side = "behind"
	}
	return fmt.Sprintf("the engine's clock is %s %s this machine's: certificates and logins may be refused there", skew.Abs().Round(time.Second), side)
}

// graphDriver is said where another store would help: without BuildKit, as on
// Windows, there are no attestations whatever keeps the images.
func graphDriver(e contexts.Engine) string {
	if e.ImageStore != contexts.GraphDriver || e.Builder == contexts.Classic || older(e.Version, "24.0.0") {
		return ""
	}
	return `a graph driver keeps the images: the engine can't store attestations (provenance, SBOM) with them; ` +
		`"features": {"containerd-snapshotter": true} in its daemon.json changes that`
}
