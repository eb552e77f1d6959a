package archive_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"gotest.tools/v3/assert"

	"github.com/docker-multiarch/docker-multiarch/manifest/archive"
)

// with are the entries, some of them replaced by name, and others added in front.
func with(entries []entry, changes ...entry) []entry {
	var all []entry
	for _, c := range changes {
		replaced := false
		for i := range entries {
			if entries[i].name == c.name {
				entries[i], replaced = c, true
			}
		}
		if !replaced {
			all = append(all, c)
		}
	}
	return append(all, entries...)
}

// typed is an archive with one entry of a type before those of a good image.
func typed(t *testing.T, h tar.Header) []byte {
	t.Helper()
	entries := legacy(t)
	headers := []tar.Header{h}
	for _, e := range entries {
		headers = append(headers, tar.Header{Typeflag: tar.TypeReg, Name: e.name, Linkname: e.link, Size: int64(len(e.content))})
		if e.link != "" {
			headers[len(headers)-1].Typeflag = tar.TypeSymlink
		}
	}
	return packHeaders(t, headers, append([]entry{{}}, entries...))
}

// sparse is an archive with a file of 64 MiB that it holds nothing of.
func sparse(t *testing.T, entries ...entry) []byte {
	t.Helper()
	raw := pack(t, append([]entry{{name: "huge", content: ""}}, entries...)...)
	raw[156] = 'S'
	copy(raw[257:], "ustar  \x00")
	copy(raw[483:], "00400000000\x00") // real size
	copy(raw[148:], "        ")
	sum := 0
	for _, b := range raw[:512] {
		sum += int(b)
	}
	copy(raw[148:], fmt.Sprintf("%06o\x00 ", sum))
	return raw
}

// paxSparse is the same in the newer form, which package tar reads but doesn't write.
func paxSparse(t *testing.T) []byte {
	t.Helper()
	records := map[string]string{"XNU.sparse.major": "0", "XNU.sparse.minor": "1", "XNU.sparse.numblocks": "1", "XNU.sparse.map": "67108864,0", "XNU.sparse.size": "67108864"}
	raw := typed(t, tar.Header{Typeflag: tar.TypeReg, Name: "x", PAXRecords: records})
	return bytes.ReplaceAll(raw, []byte("XNU.sparse"), []byte("GNU.sparse"))
}

// hostile are archives of which each is a good one, but for one thing.
func hostile(t *testing.T) map[string][]byte {
	t.Helper()
	id := digest.FromString(config(t))
	manifestOf := func(image savedImage) entry {
		return entry{name: "manifest.json", content: marshal(t, []savedImage{image})}
	}
	configName := id.Encoded() + ".json"
	all := map[string][]byte{
		"not an archive":   []byte(strings.Repeat("not an archive", 100)),
		"nothing":          {},
		"an error instead": []byte(`{"message":"no such image"}` + strings.Repeat("\n", 1000)),
		"much behind it":   append(pack(t, legacy(t)...), make([]byte, 2<<20)...),

		"hard link":    typed(t, tar.Header{Typeflag: tar.TypeLink, Name: "x", Linkname: "/etc/passwd"}),
		"device":       typed(t, tar.Header{Typeflag: tar.TypeBlock, Name: "x"}),
		"character":    typed(t, tar.Header{Typeflag: tar.TypeChar, Name: "x"}),
		"pipe":         typed(t, tar.Header{Typeflag: tar.TypeFifo, Name: "x"}),
		"GNU sparse":   sparse(t, legacy(t)...),
		"PAX sparse":   paxSparse(t),
		"a directory":  typed(t, tar.Header{Typeflag: tar.TypeDir, Name: "../x/"}),
		"many entries": manyEntries(t),
	}
	for _, name := range []string{"../x", "a/../../x", "/x", `..\x`, `a\..\..\x`, `\x`, "..", strings.Repeat("x", 1025), "\xff"} {
		all["file "+name[:min(len(name), 20)]] = pack(t, with(legacy(t), entry{name: name, content: "x"})...)
	}
	for _, link := range []string{"../../x", "/etc/passwd", `..\..\x`, strings.Repeat("x/", 600)} {
		all["link "+link[:min(len(link), 20)]] = pack(t, with(legacy(t), entry{name: "x", link: link})...)
	}
	for name, changes := range map[string][]entry{
		"file twice":       {{name: "./a/json", content: "{}"}},
		"config twice":     {{name: "a/../" + configName, content: "{}"}},
		"file and link":    {{name: "x/../a/json", link: "b"}},
		"other layer":      {{name: "a/layer.tar", content: "other"}},
		"other config":     {{name: configName, content: config(t) + " "}},
		"no layer":         {{name: "b/layer.tar", link: "../nowhere"}},
		"a link to itself": {{name: "b/layer.tar", link: "layer.tar"}},
		"a link to a link": {{name: "b/layer.tar", link: "../d"}, {name: "d", link: "a/layer.tar"}},
		"fewer layers":     {manifestOf(savedImage{Config: configName, Layers: []string{"a/layer.tar", "b/layer.tar"}})},
		"more layers":      {manifestOf(savedImage{Config: configName, Layers: []string{"a/layer.tar", "b/layer.tar", "c/layer.tar", "a/layer.tar"}})},
		"other order":      {manifestOf(savedImage{Config: configName, Layers: []string{"b/layer.tar", "a/layer.tar", "c/layer.tar"}})},
		"layer outside":    {manifestOf(savedImage{Config: configName, Layers: []string{"../a/layer.tar", "b/layer.tar", "c/layer.tar"}})},
		"config outside":   {manifestOf(savedImage{Config: "../../etc/passwd", Layers: []string{"a/layer.tar"}})},
		"no JSON":          {{name: "manifest.json", content: "[{"}},
		"other JSON":       {{name: "manifest.json", content: `{"Config":"x"}`}},
		"huge JSON":        {{name: "manifest.json", content: "[]" + strings.Repeat(" ", 8<<20)}},
		"no image":         {{name: "manifest.json", content: "[]"}},
		"lying blob name":  {{name: "blobs/sha256/" + digest.FromString("y").Encoded(), content: "x"}},
		"other algorithm":  {{name: "blobs/sha512/" + digest.SHA512.FromString("x").Encoded(), content: "x"}},
		"blob of no hash":  {{name: "blobs/sha256/x", content: "x"}},
	} {
		all[name] = pack(t, with(legacy(t), changes...)...)
	}
	return all
}

func manyEntries(t *testing.T) []byte {
	t.Helper()
	headers := make([]tar.Header, 20_001)
	for i := range headers {
		headers[i] = tar.Header{Typeflag: tar.TypeDir, Name: "x/"}
	}
	return packHeaders(t, headers, make([]entry, len(headers)))
}

func TestHostileArchives(t *testing.T) {
	id := digest.FromString(config(t))
	for name, raw := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			d, dir := newLayout(t)
			_, err := archive.ReadImage(t.Context(), bytes.NewReader(raw), d, id, false)
			assert.Assert(t, err != nil)
			if name != "nothing" { // it is a stream that was cut
				assert.ErrorIs(t, err, archive.ErrInvalid)
			}
			assert.Assert(t, len(err.Error()) < 3000, "%d", len(err.Error()))
			assert.Equal(t, len(uploads(t, dir)), 0)
			around, err := os.ReadDir(filepath.Dir(dir))
			assert.NilError(t, err)
			assert.Equal(t, len(around), 1)
		})
	}
}

func uploads(t *testing.T, dir string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, ".upload*", "*"))
	assert.NilError(t, err)
	return slices.DeleteFunc(left, isLock)
}

// What the manifests of an archive say must be so.
func TestHostileManifests(t *testing.T) {
	leaf := marshal(t, ocispec.Manifest{MediaType: ociManifest, Config: describe(ociConfig, "{}")})
	nested := leaf
	var nests []entry
	for range 5 {
		nested = marshal(t, ocispec.Index{Manifests: []ocispec.Descriptor{describe(ocispec.MediaTypeImageIndex, nested)}})
		nests = append(nests, blob(nested))
	}
	lying := describe(ociConfig, "{}")
	lying.Size++
	for name, c := range map[string]struct {
		top  string
		more []entry
	}{
		"missing child":  {marshal(t, ocispec.Index{Manifests: []ocispec.Descriptor{describe(ociManifest, "x")}}), nil},
		"missing config": {marshal(t, ocispec.Manifest{Config: describe(ociConfig, "x")}), nil},
		"missing layer":  {marshal(t, ocispec.Manifest{Config: describe(ociConfig, "{}"), Layers: []ocispec.Descriptor{describe(ociGzip, "x")}}), nil},
		"other size":     {marshal(t, ocispec.Manifest{Config: lying}), nil},
		"both":           {`{"config":{},"manifests":[]}`, nil},
		"neither":        {`{}`, nil},
		"no JSON":        {`x`, nil},
		"other JSON":     {`{"config":[]}`, nil},
		"bad digest":     {`{"manifests":[{"digest":"sha256:../../x"}]}`, nil},
		"deep":           {nested, append(nests, blob(leaf))},
		"many layers":    {marshal(t, ocispec.Manifest{Config: describe(ociConfig, "{}"), Layers: make([]ocispec.Descriptor, 1001)}), nil},
		"many manifests": {marshal(t, ocispec.Index{Manifests: make([]ocispec.Descriptor, 1001)}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			d, dir := newLayout(t)
			entries := append([]entry{blob("{}")}, c.more...)
			if name != "deep" {
				entries = append(entries, blob(c.top))
			}
			_, err := archive.ReadImage(t.Context(), bytes.NewReader(pack(t, entries...)), d, digest.FromString(c.top), false)
			assert.ErrorIs(t, err, archive.ErrInvalid)
			assert.Equal(t, len(uploads(t, dir)), 0)
		})
	}
}

// FuzzReadImage looks for an archive that makes a layout hold what its digest does not say, leaves files behind, or panics.
func FuzzReadImage(f *testing.F) {
	entries, image, index := whole(f)
	ids := []digest.Digest{digest.FromString(config(f)), digest.FromString(image), digest.FromString(index)}
	for _, seed := range [][]entry{legacy(f), blobs(f), entries} {
		raw := pack(f, seed...)
		f.Add(raw)
		f.Add(raw[:len(raw)/2])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, id := range ids {
			d, dir := newLayout(t)
			desc, err := archive.ReadImage(t.Context(), bytes.NewReader(raw), d, id, false)
			assert.Equal(t, len(uploads(t, dir)), 0)
			for _, name := range files(t, dir) {
				if blob, ok := strings.CutPrefix(name, "blobs/sha256/"); ok {
					read(t, dir, digest.NewDigestFromEncoded(digest.SHA256, blob))
				}
			}
			if err != nil {
				continue
			}
			// What was taken must be whole: it can be written again.
			assert.NilError(t, d.List(desc))
			assert.NilError(t, archive.Write(t.Context(), io.Discard, d, true))
		}
	})
}
