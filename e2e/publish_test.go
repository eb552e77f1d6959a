//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"gotest.tools/v3/assert"
	is "gotest.tools/v3/assert/cmp"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

const hello = "../examples/hello"

// digestOf is the digest in the only line of standard output, REF@DIGEST.
func digestOf(t *testing.T, r result, ref string) string {
	t.Helper()
	digest, ok := strings.CutPrefix(strings.TrimSuffix(r.stdout, "\n"), ref+"@")
	assert.Assert(t, ok && len(digest) == len("sha256:")+64, "%s", r)
	return digest
}

func TestPublish(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref := f.address + "/" + repo + ":1"

	// The label makes it an image of its own, so that it can be removed before it is pulled.
	digest := digestOf(t, c.build("-t", ref, "--label", "e2e="+newMark(), "--build-arg", "BASE="+baseImage(), "--push", absolute(t, hello)).succeeded(), ref)

	image := published(t, openRegistry(), repo, "1", bothPlatforms())
	assert.Equal(t, image.Digest, digest)
	assert.DeepEqual(t, tags(t, openRegistry(), repo), []string{"1", "1-linux-386", "1-linux-amd64"})
	assertOnePut(t, f, repo, "1", image)
	assertProven(t, f, repo, "1")
	for i, e := range []engine{"i386", "amd64"} {
		id := image.Children[i].ConfigDigest
		assert.Equal(t, e.image(t, ref), id, "what %s built is not what was published", e)
		assert.Equal(t, e.image(t, ref+e.suffix()), id)
		assert.Equal(t, e.run(t, ref), "built on "+e.machine()+", running on "+e.machine())
		tagged, err := openRegistry().Tag(t.Context(), repo, "1"+e.suffix())
		assert.NilError(t, err)
		assert.Equal(t, tagged.Digest, image.Children[i].Digest)
	}
	assertDockerAgrees(t, c, ref, image)
}

// assertOnePut asserts P1 from the traffic: one PUT of the tag, after every child had been read back by its digest.
func assertOnePut(t *testing.T, f *front, repo, tag string, image oracle.Image) {
	t.Helper()
	assert.Equal(t, f.TagPuts(repo, tag), 1)
	puts := f.manifestPuts()
	last := puts[len(puts)-1]
	assert.Equal(t, last.Path, "/v2/"+repo+"/manifests/"+tag, "the index is not the last manifest")
	for _, child := range image.Children {
		for _, blob := range []string{"manifests/" + child.Digest, "blobs/" + child.ConfigDigest} {
			assert.Assert(t, is.Contains(readBefore(f, last), "/v2/"+repo+"/"+blob), "not read back before the PUT")
		}
	}
}

// assertProven asserts P5 from the traffic: after the PUT the tag was asked what it has.
func assertProven(t *testing.T, f *front, repo, tag string) {
	t.Helper()
	put := f.manifestPuts()[len(f.manifestPuts())-1]
	for _, r := range f.Requests() {
		if r.Method == http.MethodGet && r.Path == "/v2/"+repo+"/manifests/"+tag && put.Before(r) {
			return
		}
	}
	t.Fatal("nobody looked whether the tag has it")
}

// readBefore are the paths that were read, with success, before a request.
func readBefore(f *front, limit oracle.Request) (paths []string) {
	for _, r := range f.Requests() {
		if r.Method == http.MethodGet && r.Status == http.StatusOK && r.Before(limit) {
			paths = append(paths, r.Path)
		}
	}
	return paths
}

// assertDockerAgrees has docker itself look at the index, and each engine pull from it.
func assertDockerAgrees(t *testing.T, c *client, ref string, image oracle.Image) {
	t.Helper()
	var list struct {
		Manifests []struct {
			Digest   string
			Platform struct{ OS, Architecture string }
		}
	}
	assert.NilError(t, json.Unmarshal([]byte(c.docker("manifest", "inspect", "--insecure", ref).succeeded().stdout), &list))
	assert.Equal(t, len(list.Manifests), len(image.Children))
	for i, m := range list.Manifests {
		assert.Equal(t, m.Digest, image.Children[i].Digest)
		assert.Equal(t, m.Platform.OS+"/"+m.Platform.Architecture, image.Children[i].Platform)
	}
	for i, e := range []engine{"i386", "amd64"} {
		// Without its names, so that the pull can't be answered from what is there.
		assert.NilError(t, e.removeImages(ref[:strings.LastIndex(ref, ":")+1]))
		e.docker(t, "pull", "-q", ref)
		assert.Equal(t, e.image(t, ref), image.Children[i].ConfigDigest, "%s pulled another image", e)
	}
}

// Not parallel: engine 20.10 was seen to forget a step in between when it was busy with the builds of others.
func TestPublishAgainChangesNothing(t *testing.T) {
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref := f.address + "/" + repo + ":1"
	dir := files{"Dockerfile": dockerfile("COPY a /a", "RUN cat /proc/sys/kernel/random/uuid > /id"), "a": "a"}.dir(t)

	first := digestOf(t, c.build("-t", ref, "--push", dir).succeeded(), ref)
	again := digestOf(t, c.build("-t", ref, "--push", dir).succeeded(), ref)

	assert.Equal(t, again, first)
	assert.Equal(t, published(t, openRegistry(), repo, "1", bothPlatforms()).Digest, first)
	assert.Equal(t, f.TagPuts(repo, "1"), 1, "the tag was written again")
}

// A build of other content moves the tag, by one more PUT.
func TestPublishOverAnOlderImage(t *testing.T) {
	t.Parallel()
	c, f, repo := newClient(t), newFront(t), repository(t)
	ref := f.address + "/" + repo + ":1"
	writeTo(t, repo).list("1", "386", "amd64")
	dir := files{"Dockerfile": dockerfile("RUN echo new > /a")}.dir(t)

	digest := digestOf(t, c.build("-t", ref, "--push", dir).succeeded(), ref)

	image := published(t, openRegistry(), repo, "1", bothPlatforms())
	assert.Equal(t, image.Digest, digest)
	assertOnePut(t, f, repo, "1", image)
}
