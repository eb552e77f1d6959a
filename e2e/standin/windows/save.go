package windows

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// save follows api/server/router/image/image_routes.go, getImagesGet, and image/tarexport/save.go, save: all of the archive is there
// before its first byte is sent. What no client of ours reads is missing: tags, configs of version 1, where foreign layers are from.
func (e *Engine) save(w http.ResponseWriter, r *http.Request, name string) error {
	if name == "" {
		name = r.FormValue("names")
	}
	_, image, err := e.find(name)
	if err != nil {
		return err
	}
	a := &saved{blobs: map[digest.Digest][]byte{}, sources: map[v1.Hash]ocispec.Descriptor{}}
	if err := a.image(image); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-tar")
	_ = a.write(w) // who asked has gone
	return nil
}

// saved is an archive under way (saveSession).
type saved struct {
	blobs    map[digest.Digest][]byte
	sources  map[v1.Hash]ocispec.Descriptor // by diff ID
	config   string
	layers   []string
	manifest ocispec.Manifest
}

// image follows saveImage.
func (a *saved) image(image v1.Image) error {
	config, err := image.RawConfigFile()
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, layer := range layers {
		if err := a.layer(layer); err != nil {
			return err
		}
	}
	a.config = blobPath(a.keep(config))
	a.manifest.Versioned, a.manifest.MediaType = specs.Versioned{SchemaVersion: 2}, ocispec.MediaTypeImageManifest
	a.manifest.Config = describe(ocispec.MediaTypeImageConfig, config)
	return nil
}

// layer follows saveConfigAndLayer: each is there, not compressed, wherever it came from.
func (a *saved) layer(layer v1.Layer) error {
	body, err := layer.Uncompressed()
	if err != nil {
		return err
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	source := describe(ocispec.MediaTypeImageLayer, content)
	diff, err := layer.DiffID()
	if err != nil {
		return err
	}
	a.sources[diff] = source
	a.layers = append(a.layers, blobPath(a.keep(content)))
	a.manifest.Layers = append(a.manifest.Layers, source)
	return nil
}

// write follows save, after the images.
func (a *saved) write(to io.Writer) error {
	manifest, err := json.Marshal(a.manifest)
	if err != nil {
		return err
	}
	a.keep(manifest)
	files := map[string][]byte{ocispec.ImageLayoutFile: []byte(`{"imageLayoutVersion": "` + ocispec.ImageLayoutVersion + `"}`)}
	for name, document := range map[string]any{
		"manifest.json": []any{map[string]any{"Config": a.config, "RepoTags": nil, "Layers": a.layers, "LayerSources": a.sources}},
		ocispec.ImageIndexFile: ocispec.Index{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex,
			Manifests: []ocispec.Descriptor{describe(ocispec.MediaTypeImageManifest, manifest)},
		},
	} {
		if files[name], err = json.Marshal(document); err != nil {
			return err
		}
	}
	for dgst, content := range a.blobs {
		files[blobPath(dgst)] = content
	}
	archive := tar.NewWriter(to)
	for name, content := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return err
		}
		if _, err := io.Copy(archive, bytes.NewReader(content)); err != nil {
			return err
		}
	}
	return archive.Close()
}

func (a *saved) keep(content []byte) digest.Digest {
	dgst := digest.FromBytes(content)
	a.blobs[dgst] = content
	return dgst
}

func describe(mediaType string, content []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
}

func blobPath(dgst digest.Digest) string {
	return path.Join(ocispec.ImageBlobsDir, dgst.Algorithm().String(), dgst.Encoded())
}
