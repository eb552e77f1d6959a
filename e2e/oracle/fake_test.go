package oracle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"gotest.tools/v3/assert"
)

const repo = "team/app"

// fake is a registry of one repository, as honest as its maps. It answers as the distribution specification says, no more.
type fake struct {
	mu        sync.Mutex
	manifests map[string]stored // By tag and by digest.
	blobs     map[string][]byte
	header    http.Header // Added to every answer, over what is true.
	tagPages  [][]string
	status    int // If set, the answer to everything.
}

type stored struct {
	mediaType string
	raw       []byte
}

func newFake(t *testing.T) (*fake, *Registry) {
	t.Helper()
	f := &fake{manifests: map[string]stored{}, blobs: map[string][]byte{}, header: http.Header{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, &Registry{Base: server.URL, Client: server.Client()}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kind, ref, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"+repo+"/"), "/")
	switch {
	case f.status != 0:
		w.WriteHeader(f.status)
	case !ok || kind == "tags" && f.tagPages == nil:
		unknown(w, "NAME_UNKNOWN")
	case kind == "tags":
		f.serveTags(w, r)
	case kind == "manifests" && r.Method == http.MethodPut:
		w.WriteHeader(http.StatusCreated)
	case kind == "manifests":
		m, ok := f.manifests[ref]
		if !ok {
			unknown(w, "MANIFEST_UNKNOWN")
			return
		}
		f.serve(w, m.mediaType, m.raw)
	default:
		raw, ok := f.blobs[ref]
		if !ok {
			unknown(w, "BLOB_UNKNOWN")
			return
		}
		f.serve(w, "application/octet-stream", raw)
	}
}

func unknown(w http.ResponseWriter, code string) {
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprintf(w, `{"errors":[{"code":%q}]}`, code)
}

func (f *fake) serve(w http.ResponseWriter, mediaType string, raw []byte) {
	w.Header().Set("Content-Type", mediaType)
	for key := range f.header {
		w.Header().Set(key, f.header.Get(key))
	}
	_, _ = w.Write(raw)
}

func (f *fake) serveTags(w http.ResponseWriter, r *http.Request) {
	page := 0
	_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
	if page+1 < len(f.tagPages) {
		w.Header().Set("Link", fmt.Sprintf(`</v2/%s/tags/list?page=%d>; rel="next"`, repo, page+1))
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"name": repo, "tags": f.tagPages[page]})
}

// obj is a JSON document while it is being made, and can still be falsified.
type obj = map[string]any

// push describes an index to be pushed, and the lies to be told in it. Each lie gets a document before it is written.
type push struct {
	platforms []string // In the form of Want; "unknown/unknown" is an attestation manifest about the first child.
	docker    bool
	layers    [][]byte // The tars of every child; nil for two small ones.

	config   func(i int, config obj)
	manifest func(i int, manifest obj)
	index    func(index obj, children []obj)
}

// to stores the index in f under the tag "1", and returns the digests of the children.
func (p push) to(t *testing.T, f *fake) []string {
	t.Helper()
	var children []obj
	var digests []string
	for i, text := range p.platforms {
		child := p.child(t, f, i, text)
		if i > 0 && text == "unknown/unknown" {
			child["annotations"] = obj{referenceType: attestationType, referenceDigest: digests[0]}
		}
		children = append(children, child)
		digests = append(digests, child["digest"].(string))
	}
	mediaType := pick(p.docker, dockerList, ociIndex)
	index := obj{"schemaVersion": 2, "mediaType": mediaType, "manifests": children}
	if p.index != nil {
		p.index(index, children)
	}
	f.putManifest(t, index, "1")
	return digests
}

func (p push) child(t *testing.T, f *fake, i int, text string) obj {
	t.Helper()
	asked, err := parsePlatform(text)
	assert.NilError(t, err)
	layers := p.layers
	if layers == nil {
		layers = [][]byte{tarOf(t, "bin/sh", "the same everywhere"), tarOf(t, "etc/platform", text)}
	}
	var diffIDs []string
	var descriptors []obj
	for _, layer := range layers {
		diffIDs = append(diffIDs, digestOf(layer))
		suffix := pick(p.docker, dockerLayer+"diff.tar.gzip", ociLayer+"v1.tar+gzip")
		descriptors = append(descriptors, f.putBlob(suffix, gzipped(t, layer)))
	}
	config := platformObj(asked)
	config["config"] = obj{"Labels": obj{"for": text}}
	config["rootfs"] = obj{"type": "layers", "diff_ids": diffIDs}
	if p.config != nil {
		p.config(i, config)
	}
	manifest := obj{
		"schemaVersion": 2, "mediaType": pick(p.docker, dockerManifest, ociManifest),
		"config": f.putBlob(pick(p.docker, dockerConfig, ociConfig), encode(t, config)), "layers": descriptors,
	}
	if p.manifest != nil {
		p.manifest(i, manifest)
	}
	child := f.putManifest(t, manifest, "")
	child["platform"] = platformObj(asked)
	return child
}

func pick(docker bool, ifDocker, ifOCI string) string {
	if docker {
		return ifDocker
	}
	return ifOCI
}

func platformObj(p platform) obj {
	o := obj{"os": p.OS, "architecture": p.Architecture}
	if p.Variant != "" {
		o["variant"] = p.Variant
	}
	if p.OSVersion != "" {
		o["os.version"] = p.OSVersion
	}
	return o
}

func (f *fake) putManifest(t *testing.T, doc obj, tag string) obj {
	t.Helper()
	raw := encode(t, doc)
	mediaType, ok := doc["mediaType"].(string)
	if !ok {
		mediaType = ociManifest
	}
	f.manifests[digestOf(raw)] = stored{mediaType, raw}
	if tag != "" {
		f.manifests[tag] = stored{mediaType, raw}
	}
	return obj{"mediaType": mediaType, "digest": digestOf(raw), "size": len(raw)}
}

func (f *fake) putBlob(mediaType string, raw []byte) obj {
	f.blobs[digestOf(raw)] = raw
	return obj{"mediaType": mediaType, "digest": digestOf(raw), "size": len(raw)}
}

func encode(t *testing.T, doc obj) []byte {
	t.Helper()
	raw, err := json.Marshal(doc)
	assert.NilError(t, err)
	return raw
}

func gzipped(t *testing.T, raw []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.NoCompression) // A real compressor takes most of the tests' time.
	assert.NilError(t, err)
	_, err = w.Write(raw)
	assert.NilError(t, err)
	assert.NilError(t, w.Close())
	return packed.Bytes()
}

// tarOf makes a tar of files, given as name and content by turns.
func tarOf(t *testing.T, namesAndContents ...string) []byte {
	t.Helper()
	var entries []tar.Header
	for i := 0; i < len(namesAndContents); i += 2 {
		// Linkname carries the content as far as tarOfEntries.
		entries = append(entries, tar.Header{Name: namesAndContents[i], Linkname: namesAndContents[i+1], Typeflag: tar.TypeReg, Mode: 0o644})
	}
	return tarOfEntries(t, entries...)
}

// tarOfEntries makes a tar; a regular file's content stands in its Linkname.
func tarOfEntries(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	for _, header := range entries {
		var content string
		if header.Typeflag == tar.TypeReg {
			content, header.Linkname = header.Linkname, ""
			header.Size = int64(len(content))
		}
		assert.NilError(t, w.WriteHeader(&header))
		_, err := w.Write([]byte(content))
		assert.NilError(t, err)
	}
	assert.NilError(t, w.Close())
	return raw.Bytes()
}
