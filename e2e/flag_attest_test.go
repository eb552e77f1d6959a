//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// newModern is a scene on the engine that has containerd's image store, for its platform and the other one that it runs.
func newModern(t *testing.T) (s *scene, args []string) {
	t.Helper()
	s = newNodeScene(t, string(modern))
	return s, []string{"--platform", "linux/amd64,linux/386"}
}

// annotations are those of a manifest or an index itself.
func annotations(t *testing.T, raw []byte) map[string]string {
	t.Helper()
	var document struct{ Annotations map[string]string }
	assert.NilError(t, json.Unmarshal(raw, &document))
	return document.Annotations
}

func TestAnnotations(t *testing.T) {
	t.Parallel()
	s, args := newModern(t)

	digestOf(t, s.push(append(args, "--annotation", "one=all=of them", "--annotation", "manifest:two=2", "--annotation", "linux/386:one=386",
		"--annotation", "index:three=3", s.dir("RUN uname -m > /machine"))...).succeeded(), s.ref())

	image := published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}, MediaType: ociIndex})
	assert.DeepEqual(t, annotations(t, image.Raw), map[string]string{"three": "3"})
	for i, one := range []string{"386", "all=of them"} {
		assert.DeepEqual(t, annotations(t, image.Children[i].Raw), map[string]string{"one": one, "two": "2"})
	}
	for _, wrong := range []string{"nothing", "=x", "nonsense:a=b"} {
		s.push(append(args, "--annotation", wrong, s.dir())...).failed(125, "--annotation")
	}
}

// What the graph drivers' engines can't do is refused there, with the engine's name and version.
func TestAnnotationsAndAttestationsAreRefused(t *testing.T) {
	t.Parallel()
	for _, e := range []engine{"amd64", trixie} {
		s, who := newNodeScene(t, string(e)), string(e)+" (engine "+e.version(t)+")"
		for _, flag := range []string{"--annotation=a=b", "--attest=type=provenance", "--provenance=true", "--provenance=mode=max", "--sbom=true", "--attest=type=sbom"} {
			name, _, _ := strings.Cut(flag, "=")
			s.push(flag, "--platform", "linux/amd64,linux/386", s.dir()).failed(125, name, who, "containerd image store")
		}
		s.unsent()
	}
	// Turned off it is what every engine does.
	s := newScene(t)
	s.push("--provenance=false", "--sbom=false", "--attest=type=sbom,disabled=true", s.dir()).succeeded()
	for _, child := range published(t, openRegistry(), s.repo, tag, bothPlatforms()).Children {
		assert.Assert(t, !child.Attestation)
	}
	s.build("--attest", "type=nonsense", s.dir()).failed(125, "--attest")
}

// attested are the kinds of statement about each platform.
func attested(t *testing.T, image oracle.Image) map[string][]string {
	t.Helper()
	platforms, all := map[string]string{}, map[string][]string{}
	for _, child := range image.Children {
		if !child.Attestation {
			platforms[child.Digest] = child.Platform
			all[child.Platform] = []string{}
		}
	}
	for _, child := range image.Children {
		if !child.Attestation {
			continue
		}
		var document struct {
			Layers []struct{ Annotations map[string]string }
		}
		assert.NilError(t, json.Unmarshal(child.Raw, &document))
		for _, layer := range document.Layers {
			platform := platforms[child.Subject]
			all[platform] = append(all[platform], layer.Annotations["in-toto.io/predicate-type"])
		}
	}
	return all
}

// The generator is a stand-in: it says of every image the same. That it is run, on the node, is what is shown.
func TestAttestations(t *testing.T) {
	t.Parallel()
	s, args := newModern(t)
	generator := s.front.address + "/" + s.repo + "-stand-in-generator:1"
	const spdx = "https://spdx.dev/Document"
	statement := `{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "` + spdx + `", "subject": [], "predicate": {"name": "stand-in"}}`
	stand := files{"statement": statement, "Dockerfile": s.dockerfile(
		"COPY statement /", `ENTRYPOINT ["sh", "-c", "test -d $BUILDKIT_SCAN_SOURCE && cp /statement $BUILDKIT_SCAN_DESTINATION/stand-in.spdx.json"]`,
	)}.dir(t)
	s.build(append(args, "--push", "-t", generator, stand)...).succeeded()
	dir := s.dir("RUN uname -m > /machine")

	digestOf(t, s.push(append(args, "--provenance", "true", "--sbom=generator="+generator, dir)...).succeeded(), s.ref())

	image := published(t, openRegistry(), s.repo, tag, oracle.Want{Platforms: []string{"linux/386", "linux/amd64"}})
	for platform, kinds := range attested(t, image) {
		all := strings.Join(kinds, " ")
		assert.Assert(t, is.Contains(all, spdx), platform)
		assert.Assert(t, is.Contains(all, "https://slsa.dev/provenance/"), platform)
	}

	digestOf(t, s.push(append(args, "--attest", "type=provenance,mode=min", dir)...).succeeded(), s.ref())
	for platform, kinds := range attested(t, published(t, openRegistry(), s.repo, tag, oracle.Want{})) {
		assert.Equal(t, len(kinds), 1, platform)
	}
	digestOf(t, s.push(append(args, dir)...).succeeded(), s.ref())
	for platform, kinds := range attested(t, published(t, openRegistry(), s.repo, tag, oracle.Want{})) {
		assert.Equal(t, len(kinds), 0, "nobody asked for it: %s", platform)
	}
}
