package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Level is how much a finding matters.
type Level string

// The levels, the most serious first. An Error breaks the build or the image of
// a platform. A Warning may. A Note is a matter of style.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Note    Level = "note"
)

// Levels are all levels, the most serious first.
var Levels = []Level{Error, Warning, Note}

// AtLeast says whether l is as serious as other, or more so.
func (l Level) AtLeast(other Level) bool {
	return slices.Index(Levels, l) <= slices.Index(Levels, other)
}

// Finding is one thing to mend, or to look at, in a Dockerfile.
type Finding struct {
	// Rule is the name by which a comment can switch it off.
	Rule  string `json:"rule"`
	Level Level  `json:"level"`
	File  string `json:"file"`
	// Line is the first line of the instruction, counted from 1.
	Line int `json:"line"`
	// Platforms are those for which it holds; none for BuildKit's own rules.
	Platforms []string `json:"platforms,omitempty"`
	// Why says what is wrong, and Instead what to write.
	Why     string `json:"why"`
	Instead string `json:"instead,omitempty"`

	arch string // the foreign architecture that is named
}

// merge puts what was found for each platform together: one finding for each
// thing, with its platforms, in the order of the file.
func merge(all []Finding) []Finding {
	var merged []Finding
	for _, f := range all {
		same := func(g Finding) bool {
			return g.Rule == f.Rule && g.File == f.File && g.Line == f.Line && g.Why == f.Why
		}
		i := slices.IndexFunc(merged, same)
		if i < 0 {
			merged = append(merged, f)
			continue
		}
		for _, p := range f.Platforms {
			if !slices.Contains(merged[i].Platforms, p) {
				merged[i].Platforms = append(merged[i].Platforms, p)
			}
		}
	}
	slices.SortStableFunc(merged, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(a.Rule, b.Rule))
	})
	return merged
}

func names(all ...ocispec.Platform) []string {
	formatted := make([]string, len(all))
	for i, p := range all {
		formatted[i] = platforms.Format(p)
	}
	return formatted
}

// onPurpose leaves out the findings of a Dockerfile that handles several
// architectures one by one, as one that cross-compiles for all of them does. Each
// platform's findings name those of the others: $TARGETARCH is foreign to none.
func onPurpose(all []Finding) []Finding {
	type use struct{ file, rule string }
	named := map[use]string{}
	several := map[use]bool{}
	for _, f := range all {
		if !slices.Contains([]string{ruleBuild, ruleCopy, rulePackage}, f.Rule) {
			continue
		}
		arch, of := f.arch, use{f.File, f.Rule}
		if f.Rule == rulePackage && arch == "386" {
			arch = "amd64" // its packages come with those for amd64
		}
		several[of] = several[of] || named[of] != "" && named[of] != arch
		named[of] = arch
	}
	return slices.DeleteFunc(all, func(f Finding) bool { return several[use{f.File, f.Rule}] })
}
