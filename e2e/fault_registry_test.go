//go:build e2e

package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/e2e/oracle"
)

// closedAddress is one where nothing listens. A port that was free a moment ago may be another test's by now.
const closedAddress = "127.0.0.1:1"

func TestRegistryUnreachable(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.push("-t", closedAddress+"/app:1", s.dir()).failed(3, closedAddress+"/app:1", "refused", "Check the address")
	s.unsent()
}

// The base image's registry is down: the engines say so.
func TestBaseImageUnreachable(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.push(files{"Dockerfile": "FROM " + closedAddress + "/base\n"}.dir(t)).failed(3, closedAddress, "refused", "linux/")
	s.unharmed()
	s.push(files{"Dockerfile": "FROM " + farm.registry + "/absent\n"}.dir(t)).failed(3, farm.registry+"/absent", "not found", "linux/")
	s.unharmed()
}

// What a registry refuses the engines: their images, not yet the index.
func TestRegistryRefusesTheImages(t *testing.T) {
	t.Parallel()
	platformTag := func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/manifests/1-linux-") && r.Method == http.MethodPut
	}
	for name, f := range map[string]fault{
		"403": refuse(http.StatusForbidden, platformTag),
		"500": refuse(http.StatusInternalServerError, platformTag),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.front.breakWith(f)
			s.push(s.dir(ownLayer)).failed(3, ": push: ", "linux/", s.front.address)
			s.unharmed()
		})
	}
}

// The images are there, the index is refused: the tag is as it was.
func TestRegistryRefusesTheIndex(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status, code int
		says         string
	}{
		"denied":    {http.StatusForbidden, 3, "denied"},
		"login":     {http.StatusUnauthorized, 3, "docker login "},
		"broken":    {http.StatusInternalServerError, 3, "attempts"},
		"invalid":   {http.StatusBadRequest, 4, "invalid"},
		"immutable": {http.StatusConflict, 6, "immutable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.front.breakWith(refuse(test.status, putOf(tag)))
			s.push(s.dir(ownLayer)).failed(test.code, s.ref(), test.says)
			assert.Assert(t, s.front.TagPuts(s.repo, tag) > 0, "the test proves nothing")
			s.cleanedUp()
			s.sameTag()
		})
	}
}

// What passes is waited for.
func TestRegistryRecovers(t *testing.T) {
	t.Parallel()
	anyPut := func(r *http.Request) bool {
		return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/")
	}
	anyGet := func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/")
	}
	for name, f := range map[string]fault{
		"503 for the index":           refuse(http.StatusServiceUnavailable, times(2, putOf(tag))),
		"503 for the images":          refuse(http.StatusServiceUnavailable, times(2, anyPut)),
		"429 for reading":             refuse(http.StatusTooManyRequests, times(2, anyGet)),
		"connection lost at first":    hangUp(times(2, putOf(tag))),
		"the answer to the PUT, lost": loseAnswer(times(1, putOf(tag))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.front.breakWith(f)
			digest := digestOf(t, s.push(s.dir(ownLayer)).succeeded(), s.ref())
			assert.Equal(t, published(t, openRegistry(), s.repo, tag, bothPlatforms()).Digest, digest)
		})
	}
}

// hangUp breaks the connection instead of an answer.
func hangUp(match func(*http.Request) bool) fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if match(r) {
			panic(http.ErrAbortHandler)
		}
		return false
	}
}

// loseAnswer lets the registry do what it is asked, and keeps the answer.
func loseAnswer(match func(*http.Request) bool) fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if match(r) {
			forward(r)
			panic(http.ErrAbortHandler)
		}
		return false
	}
}

func forward(r *http.Request) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", farm.registry, ""
	resp, err := http.DefaultClient.Do(out)
	if err == nil {
		resp.Body.Close()
	}
}

// Someone else publishes between our PUT and our look at it.
func TestTagChangedByAnotherBuild(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	other := writeTo(t, s.repo).list("other", "arm64")
	raw, err := openRegistry().Tag(t.Context(), s.repo, "other")
	assert.NilError(t, err)
	s.front.breakWith(func(w http.ResponseWriter, r *http.Request) bool {
		if !putOf(tag)(r) {
			return false
		}
		forward(r)
		theirs := httptest.NewRequest(http.MethodPut, r.URL.Path, strings.NewReader(string(raw.Raw)))
		theirs.Header.Set("Content-Type", raw.MediaType)
		forward(theirs)
		w.WriteHeader(http.StatusCreated)
		return true
	})

	s.push(s.dir(ownLayer)).failed(6, s.ref(), other.Digest)

	now, err := openRegistry().Tag(t.Context(), s.repo, tag)
	assert.NilError(t, err)
	assert.Equal(t, now.Digest, other.Digest, "the other's work was undone")
}

// The second of several tags is refused: the first stands, the rest is told, and a second run finishes the job.
func TestSomeOfSeveralTargets(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	name := s.front.address + "/" + s.repo
	s.front.breakWith(refuse(http.StatusForbidden, putOf("2")))
	args := []string{"-t", name + ":latest", "-t", name + ":2", "-t", name + ":3", s.dir(ownLayer)}

	s.push(args...).failed(5, "published "+s.ref(), name+":2", "not tried: "+name+":3, "+name+":latest", "again")

	first := published(t, openRegistry(), s.repo, tag, bothPlatforms())
	for _, absent := range []string{"2", "3", "latest"} {
		_, err := openRegistry().Tag(t.Context(), s.repo, absent)
		assert.ErrorIs(t, err, oracle.ErrNoTag)
	}

	s.front.breakWith(func(http.ResponseWriter, *http.Request) bool { return false })
	s.push(args...).succeeded()

	for _, done := range []string{tag, "2", "3", "latest"} {
		assert.Equal(t, published(t, openRegistry(), s.repo, done, bothPlatforms()).Digest, first.Digest)
	}
	assert.Equal(t, s.front.TagPuts(s.repo, tag), 1)
}

// A registry that lies: what it gives back is not what was pushed.
func TestRegistryGivesOtherContent(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.front.breakWith(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/manifests/sha256:") {
			return false
		}
		w.Header().Set("Content-Type", dockerManifest)
		_, _ = io.WriteString(w, `{"schemaVersion": 2, "mediaType": "`+dockerManifest+`"}`)
		return true
	})
	s.push(s.dir(ownLayer)).failed(4, "digest")
	s.unharmed()
}
