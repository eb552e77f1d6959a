package check

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"
)

// registry is what testdata/images.txt says.
type registry map[string]lookup

func (r registry) Resolve(_ context.Context, name reference.Named) (ocispec.Descriptor, []ocispec.Platform, error) {
	l, ok := r[name.String()]
	if !ok {
		return ocispec.Descriptor{}, nil, fmt.Errorf("%s: not found", name)
	}
	return l.descriptor, l.platforms, nil
}

func readRegistry(t *testing.T) registry {
	t.Helper()
	text, err := os.ReadFile("testdata/images.txt")
	assert.NilError(t, err)
	r := registry{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		name, err := reference.ParseNormalizedNamed(fields[0])
		assert.NilError(t, err)
		l := lookup{descriptor: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex}}
		for _, field := range fields[1:] {
			if field == "manifest" {
				l.descriptor.MediaType = ocispec.MediaTypeImageManifest
				continue
			}
			l.platforms = append(l.platforms, platforms.MustParse(field))
		}
		r[name.String()] = l
	}
	return r
}

// elf is the head of a program for a machine.
func elf(machine byte) []byte {
	head := make([]byte, 64)
	copy(head, "\x7fELF\x02\x01\x01")
	head[16], head[18] = 2, machine
	return head
}

// buildContext is what the Dockerfiles of the corpus copy from.
var buildContext = fstest.MapFS{
	"dist/server":         {Data: elf(0x3e)},
	"dist/prebuilt-amd64": {Data: elf(0x3e)},
	"dist/prebuilt-arm64": {Data: elf(0xb7)},
	"release/server":      {Data: elf(0x3e)},
	"release/readme.md":   {Data: []byte("# read me")},
	"package.json":        {Data: []byte("{}")},
}

// sample is a Dockerfile of the corpus and what a human finds in it: a comment
// "want: RULE" before the instruction.
type sample struct {
	name   string
	inputs []Input
	want   []string
}

func readCorpus(t *testing.T) []sample {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*.Dockerfile")
	assert.NilError(t, err)
	var all []sample
	for _, file := range files {
		content, err := os.ReadFile(file)
		assert.NilError(t, err)
		all = append(all, readSample(strings.TrimSuffix(filepath.Base(file), ".Dockerfile"), content))
	}
	return all
}

func readSample(name string, content []byte) sample {
	s := sample{name: name}
	wanted, named := "linux/amd64,linux/arm64", map[string]string{}
	var rules []string
	in := bufio.NewScanner(strings.NewReader(string(content)))
	for n := 1; in.Scan(); n++ {
		text := in.Text()
		if list, ok := strings.CutPrefix(text, "# platforms: "); ok {
			wanted = list
		}
		if rule, ok := strings.CutPrefix(text, "# want: "); ok {
			rules = append(rules, rule)
		}
		if strings.HasPrefix(text, "#") {
			continue
		}
		for _, rule := range rules {
			s.want = append(s.want, fmt.Sprintf("%d %s", n, rule))
		}
		rules = nil
	}
	if name == "good-named-context" {
		named = map[string]string{"base": "docker-image://alpine:3.21", "tools": "../tools"}
	}
	for p := range strings.SplitSeq(wanted, ",") {
		s.inputs = append(s.inputs, Input{
			Platform: platforms.Normalize(platforms.MustParse(p)), Name: name, Dockerfile: content, NamedContexts: named, Context: buildContext,
		})
	}
	return s
}

// own are the findings of the rules that are not BuildKit's.
func own(report *Report) []string {
	var found []string
	for _, f := range report.Findings {
		if slices.Contains(Rules, f.Rule) {
			found = append(found, fmt.Sprintf("%d %s", f.Line, f.Rule))
		}
	}
	return found
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	images := readRegistry(t)
	corpus := readCorpus(t)
	assert.Assert(t, len(corpus) >= 40)
	for _, s := range corpus {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			report, err := Check(t.Context(), s.inputs, Options{Images: images, Style: true})
			assert.NilError(t, err)
			assert.DeepEqual(t, report.Unknown, []error(nil))
			for _, f := range report.Findings {
				t.Logf("%+v", f)
			}
			assert.DeepEqual(t, own(report), s.want)
		})
	}
}
