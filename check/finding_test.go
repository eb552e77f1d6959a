package check

import (
	"context"
	"errors"
	"testing"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

// inputs are a Dockerfile for several platforms.
func inputs(dockerfile string, wanted ...ocispec.Platform) []Input {
	var all []Input
	for _, p := range wanted {
		all = append(all, Input{Platform: p, Name: "Dockerfile", Dockerfile: []byte(dockerfile)})
	}
	return all
}

var (
	amd64 = ocispec.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = ocispec.Platform{OS: "linux", Architecture: "arm64"}
)

func TestArchitectures(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"tool_linux_x86_64.tar.gz":   {"amd64"},
		"https://x/linux/amd64/tool": {"amd64"},
		"aarch64-or-AMD64":           {"amd64", "arm64"},
		"amd64v2":                    nil,
		"myx64tool":                  nil,
		"x64amd64 amd64":             {"amd64"},
		"":                           nil,
	} {
		assert.DeepEqual(t, architectures(text), want)
	}
}

func TestPlatformsAreJudgedOneByOne(t *testing.T) {
	t.Parallel()
	const dockerfile = "FROM alpine\nARG ARCH\nRUN wget https://example.com/tool-$ARCH\n"
	wanted := inputs(dockerfile, amd64, arm64)
	wanted[0].Args, wanted[1].Args = map[string]string{"ARCH": "x86_64"}, map[string]string{"ARCH": "aarch64"}
	report, err := Check(t.Context(), wanted, Options{})
	assert.NilError(t, err)
	assert.DeepEqual(t, own(report), []string(nil))

	wanted[1].Args = wanted[0].Args
	report, err = Check(t.Context(), wanted, Options{})
	assert.NilError(t, err)
	assert.DeepEqual(t, own(report), []string{"3 DownloadNamesPlatform"})
	assert.DeepEqual(t, report.Findings[0].Platforms, []string{"linux/arm64"})
}

func TestOnlyTheTargetCounts(t *testing.T) {
	t.Parallel()
	const dockerfile = "FROM alpine AS good\nFROM alpine AS bad\nRUN ls /usr/lib/x86_64-linux-gnu\n"
	for target, want := range map[string][]string{"good": nil, "bad": {"3 PathNamesPlatform"}, "": {"3 PathNamesPlatform"}, "1": {"3 PathNamesPlatform"}} {
		wanted := inputs(dockerfile, arm64)
		wanted[0].Target = target
		report, err := Check(t.Context(), wanted, Options{})
		assert.NilError(t, err)
		assert.DeepEqual(t, own(report), want)
	}
	wanted := inputs(dockerfile, arm64)
	wanted[0].Target = "nope"
	_, err := Check(t.Context(), wanted, Options{})
	assert.ErrorIs(t, err, ErrDockerfile)
}

func TestBuildKitsRulesAreNotes(t *testing.T) {
	t.Parallel()
	const dockerfile = "from alpine\nMAINTAINER me\n# multiarch:ignore=JSONArgsRecommended\nCMD sh\n"
	report, err := Check(t.Context(), inputs(dockerfile, amd64, arm64), Options{Style: true})
	assert.NilError(t, err)
	rules := map[string]Level{}
	for _, f := range report.Findings {
		rules[f.Rule] = f.Level
	}
	assert.DeepEqual(t, rules, map[string]Level{"ConsistentInstructionCasing": Note, "MaintainerDeprecated": Note})
}

// down is a registry that does not answer.
type down struct{}

var errDown = errors.New("down")

func (down) Resolve(context.Context, reference.Named) (ocispec.Descriptor, []ocispec.Platform, error) {
	return ocispec.Descriptor{}, nil, errDown
}

func TestFailedLookUpIsNoFinding(t *testing.T) {
	t.Parallel()
	report, err := Check(t.Context(), inputs("FROM alpine\n", amd64), Options{Images: down{}})
	assert.NilError(t, err)
	assert.Equal(t, len(report.Findings), 0)
	assert.Equal(t, len(report.Unknown), 1)
	assert.ErrorIs(t, report.Unknown[0], errDown)
	assert.Equal(t, report.Bases[0].Has["linux/amd64"], Unknown)
}
